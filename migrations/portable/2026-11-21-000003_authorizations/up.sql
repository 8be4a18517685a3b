-- What was asked and what became of it. PHI: `member_id`, `parties`, `remarks`, `urgency_reason`, `decision`, `closing`, all
-- diagnoses.
create table authorizations (
    number_day            date      not null,
    number_seq            bigint    not null,
    version               integer   not null,
    events                integer   not null,
    request_type          text      not null,
    requested_service     text      not null,
    site_id               text      not null references sites (id),
    member_id             text      not null references members (id),
    servicing_npi         text      not null references providers (npi),
    status                text      not null,
    pend_reason           text,
    urgency               text      not null,
    urgency_reason        text,
    -- Who was named, by name, as they were on the day of receipt (JSON).
    parties               text      not null,
    service_start         date      not null,
    service_end           date      not null,
    remarks               text,
    -- The ruling or decision in force (JSON), the inputs that it was made from among it.
    decision              text      not null,
    -- The ID of the one that it looks like, if the same site owns that.
    duplicate_of          text,
    -- Why it was closed, by whom and when (JSON).
    closing               text,
    created_by            text      not null,
    created_at            timestamp not null,
    updated_at            timestamp not null,
    primary key (number_day, number_seq)
);
create index authorizations_site on authorizations (site_id, number_day, number_seq);
create index authorizations_site_status on authorizations (site_id, status, number_day, number_seq);
create index authorizations_status on authorizations (status, number_day, number_seq);
create index authorizations_member on authorizations (member_id, requested_service, servicing_npi, service_end);

create table authorization_lines (
    number_day  date    not null,
    number_seq  bigint  not null,
    line        integer not null,
    status      text    not null,
    code_type   text    not null,
    code        text    not null,
    -- Separated by spaces.
    modifiers   text    not null,
    description text    not null,
    requested   integer not null,
    authorized  integer not null,
    used        integer not null,
    primary key (number_day, number_seq, line),
    foreign key (number_day, number_seq) references authorizations (number_day, number_seq)
);

create table authorization_diagnoses (
    number_day  date    not null,
    number_seq  bigint  not null,
    -- From 1; the first is the primary one.
    place       integer not null,
    code        text    not null,
    -- As the release of the start date has it.
    description text    not null,
    primary key (number_day, number_seq, place),
    foreign key (number_day, number_seq) references authorizations (number_day, number_seq)
);
