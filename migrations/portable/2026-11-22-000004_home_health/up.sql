-- What is searched is also kept folded: small letters, no accents, no punctuation. PHI: both columns.
alter table members add column last_folded text not null default '';
alter table members add column first_folded text not null default '';
update members set last_folded = lower(last_name), first_folded = lower(first_name);
create index members_name on members (last_folded, first_folded, id);
create index members_birth on members (date_of_birth, last_folded, first_folded, id);

-- Each folded word of a provider's name.
create table provider_words (
    word text not null,
    npi  text not null references providers (npi),
    primary key (word, npi)
);

-- What a product covers, and how much of it in a calendar year; without a limit where `units_a_year` is null. A service
-- without a row isn't covered.
create table benefits (
    product_id   text    not null references products (id),
    service      text    not null,
    covered      boolean not null,
    units_a_year integer,
    primary key (product_id, service)
);

-- The releases of code sets that were loaded.
create table code_releases (
    code_set  text      not null,
    -- The first day of service on which it holds.
    first_on  date      not null,
    codes     integer   not null,
    loaded_at timestamp not null,
    primary key (code_set, first_on)
);
insert into code_releases (code_set, first_on, codes, loaded_at)
    select 'icd-10-cm', min(first_on), count(*), current_timestamp from diagnosis_codes having count(*) > 0;

-- Who owns the one that it looks like; others than that site and the plan aren't told which one it is.
alter table authorizations add column duplicate_site text;
-- Whether it asks for a skilled nursing evaluation of a member who had an earlier one.
alter table authorizations add column re_evaluation boolean not null default false;
create index authorizations_member_number on authorizations (member_id, number_day, number_seq);
create index authorization_diagnoses_code on authorization_diagnoses (code, number_day, number_seq);

-- Decisions that a later one took the place of, and what they were on; the one in force is with its authorization.
-- PHI: `decision`, `lines`.
create table past_decisions (
    number_day    date    not null,
    number_seq    bigint  not null,
    -- The version of the authorization that it was in force until.
    version       integer not null,
    decision      text    not null,
    -- The lines and dates as they stood then (JSON).
    lines         text    not null,
    service_start date    not null,
    service_end   date    not null,
    primary key (number_day, number_seq, version),
    foreign key (number_day, number_seq) references authorizations (number_day, number_seq)
);
