-- What the service does on its own. A job of its own kind, such as one decision, goes with its effect; the others come back.
create table jobs (
    id            text      not null primary key,
    kind          text      not null,
    -- What it is for; empty where there is one of its kind.
    subject       text      not null,
    -- Those of a kind go by priority, and then in the order of `rank`.
    priority      integer   not null,
    rank          bigint    not null,
    created_at    timestamp not null,
    -- Not before.
    run_at        timestamp not null,
    -- How often it was begun and not finished since it last was.
    attempts      integer   not null,
    finished_at   timestamp,
    -- Which node does it, and until when no other one takes it.
    claimed_by    text,
    claimed_until timestamp,
    -- Why it failed the last time: the name of a fault.
    failure       text,
    unique (kind, subject)
);
create index jobs_order on jobs (kind, priority, rank, id);

-- Where an entry stands in the chain, once it is sealed, and the digest of all up to it.
alter table trail add column position bigint;
alter table trail add column chain text;
create unique index trail_position on trail (position);
create index trail_unsealed on trail (id) where position is null;

-- Who is told of a deadline, and that they were.
alter table deadlines add column site_id text;
update deadlines set site_id = (select o.site_id from outbox o where o.subject = deadlines.subject and o.sequence = 1);
alter table deadlines add column told_at timestamp;
alter table deadlines add column missed_at timestamp;
create index deadlines_list on deadlines (due_at, id);

create index idempotency_at on idempotency (at);
