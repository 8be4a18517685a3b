-- The place of each event in the order in which everyone is told, given once it is committed; without one, no one is told yet.
drop index outbox_unsent;
alter table outbox drop column sent_at;
alter table outbox add column position bigint;
create index outbox_waiting on outbox (id) where position is null;
create unique index outbox_position on outbox (position) where position is not null;
create index outbox_of_site on outbox (site_id, position) where position is not null;

-- Who is told of events. The secrets are sealed with a key that isn't here.
create table webhooks (
    id            text      not null primary key,
    owner_id      text      not null references principals (id),
    url           text      not null,
    description   text,
    -- The types of events, separated by spaces; empty for all.
    types         text      not null,
    status        text      not null check (status in ('active', 'disabled')),
    -- Why it was disabled.
    disabled_for  text,
    public_key    text      not null,
    secrets       text      not null,
    -- Those of before, which sign beside the others for a time.
    old_secrets   text,
    old_until     timestamp,
    -- After which position, and up to which, events are told again.
    replay_after  bigint,
    replay_until  bigint,
    -- It asked not to be sent to before.
    held_until    timestamp,
    -- Since when nothing succeeded.
    failing_since timestamp,
    -- Which node sends to it, until when at most.
    leased_by     text,
    leased_until  timestamp not null,
    version       integer   not null,
    created_at    timestamp not null,
    updated_at    timestamp not null
);
create index webhooks_owner on webhooks (owner_id);
create index webhooks_replayed on webhooks (id) where replay_after is not null;

create table webhook_sites (
    webhook_id text not null references webhooks (id),
    site_id    text not null references sites (id),
    primary key (webhook_id, site_id)
);
create index webhook_sites_site on webhook_sites (site_id, webhook_id);

-- What is still to be told to whom. Events of one subject are told in their order, at each.
create table webhook_queue (
    webhook_id text      not null references webhooks (id),
    position   bigint    not null,
    event_id   text      not null,
    subject    text      not null,
    -- How often it was tried.
    attempts   integer   not null,
    next_at    timestamp not null,
    primary key (webhook_id, position)
);
create index webhook_queue_due on webhook_queue (next_at, webhook_id);
create index webhook_queue_subject on webhook_queue (webhook_id, subject, position);

-- What became of each attempt, for 30 days.
create table webhook_attempts (
    id           text      not null primary key,
    webhook_id   text      not null,
    event_id     text      not null,
    topic        text      not null,
    attempt      integer   not null,
    at           timestamp not null,
    -- What was answered; or why there was no answer.
    status       integer,
    failure      text,
    milliseconds integer   not null,
    -- When it is tried again.
    next_at      timestamp
);
create index webhook_attempts_of on webhook_attempts (webhook_id, id);
create index webhook_attempts_at on webhook_attempts (at);
