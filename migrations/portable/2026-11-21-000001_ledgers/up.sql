-- What every write leaves beside its own rows. PHI: `trail.reason` may hold it; the rest is ids.
create table trail (
    id         text      not null primary key,
    at         timestamp not null,
    actor      text      not null,
    client     text      not null,
    request    text      not null,
    site_id    text,
    action     text      not null,
    subject    text      not null,
    reason     text,
    before     text,
    after      text,
    digest     text      not null
);
create index trail_subject on trail (subject, at);

create table outbox (
    id         text      not null primary key,
    at         timestamp not null,
    topic      text      not null,
    subject    text      not null,
    site_id    text      not null,
    status     text      not null,
    version    integer   not null,
    sequence   integer   not null,
    sent_at    timestamp,
    unique (subject, sequence)
);
create index outbox_unsent on outbox (id) where sent_at is null;

create table deadlines (
    id         text      not null primary key,
    subject    text      not null,
    rule       text      not null,
    basis      text      not null check (basis in ('calendar', 'business')),
    opened_at  timestamp not null,
    due_at     timestamp not null,
    met_at     timestamp,
    unique (subject, rule, opened_at)
);
create index deadlines_open on deadlines (due_at) where met_at is null;

-- PHI: `answer` is the answer as it was sent.
create table idempotency (
    scope       text      not null,
    key         text      not null,
    fingerprint text      not null,
    answer      text      not null,
    at          timestamp not null,
    primary key (scope, key)
);

-- Where a day's numbers (AUT-25) stand: on SQLite the last one given, on PostgreSQL what its sequence had reached
-- when the day began.
create table number_days (
    day  date   not null primary key,
    mark bigint not null
);
