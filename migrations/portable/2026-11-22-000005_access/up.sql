-- Who calls, and what they may do. Nothing here is ever deleted: who once had a grant matters later.
create table callers (
    id            text      not null primary key,
    kind          text      not null check (kind in ('person', 'staff', 'system')),
    -- The `sub` of its tokens.
    login         text      not null unique,
    -- The human being, who may call under several logins.
    person        text      not null,
    name          text      not null,
    contact_name  text,
    contact_phone text,
    -- Of staff: whose reports they are.
    reports_to    text references callers (id),
    -- Of a system client: the scopes beyond which no role reaches, separated by spaces.
    ceiling       text,
    active        boolean   not null,
    version       integer   not null,
    created_at    timestamp not null
);
insert into callers
select id,
       case
           when role = 'ehr_vendor' then 'system'
           when role = 'portal_user' then 'person'
           else 'staff'
       end,
       id, id, name, contact_name, contact_phone, null, null, active, 1, '2026-11-22 00:00:00'
from principals;
create index callers_person on callers (person);

-- A role, at a site or, without one, at the plan. In force once approved, from its first day to its last, until it ended.
create table grants (
    id           text      not null primary key,
    principal_id text      not null references callers (id),
    role         text      not null,
    site_id      text references sites (id),
    first_on     date,
    last_on      date,
    requested_by text      not null,
    requested_at timestamp not null,
    approved_by  text,
    approved_at  timestamp,
    ended_by     text,
    ended_at     timestamp
);
insert into grants
select 'grt_' || substr(g.principal_id, 21, 16) || substr(g.site_id, 22, 16), g.principal_id, p.role, g.site_id, null, null,
       'system', '2026-11-22 00:00:00', 'system', '2026-11-22 00:00:00', null, null
from site_grants g join principals p on p.id = g.principal_id;
insert into grants
select 'grt_' || substr(id, 21, 16) || '0000000000000000', id, role, null, null, null,
       'system', '2026-11-22 00:00:00', 'system', '2026-11-22 00:00:00', null, null
from principals where role not in ('portal_user', 'ehr_vendor');
create unique index grants_open on grants (principal_id, role, coalesce(site_id, '')) where ended_at is null;
create index grants_site on grants (site_id, principal_id);

drop table site_grants;
drop table principals;
alter table callers rename to principals;

-- By what an agent's grant is on record (ENR-10).
create table delegations (
    grant_id text not null primary key references grants (id),
    channel  text not null check (channel in ('portal', 'form', 'letter')),
    -- Where the paper is kept; of the portal, the request.
    paper    text not null
);
insert into delegations select id, 'letter', 'before 2026-11-22' from grants where role = 'ehr_vendor';

-- The keys by which a system client proves who it is: a JWK set, or where one is.
create table clients (
    principal_id text not null primary key references principals (id),
    jwks         text,
    jwks_url     text
);

-- Assertions of clients that were taken, so that none is taken twice (J-02).
create table used_assertions (
    client_id  text      not null,
    jti        text      not null,
    expires_at timestamp not null,
    primary key (client_id, jti)
);
create index used_assertions_expired on used_assertions (expires_at);

-- Emergency access (45 CFR 164.312(a)(2)(ii)): to one member's records, for an hour. PHI: `member_id`, `reason`.
create table emergency_accesses (
    id           text      not null primary key,
    principal_id text      not null references principals (id),
    member_id    text      not null references members (id),
    reason_code  text      not null,
    reason       text      not null,
    opened_at    timestamp not null,
    ends_at      timestamp not null,
    reviewed_by  text,
    reviewed_at  timestamp,
    finding      text
);
create index emergency_accesses_open on emergency_accesses (opened_at) where reviewed_at is null;

-- How a call ended, if it wrote nothing: `read`, or the slug of the problem.
alter table trail add column outcome text;
-- Of a list: the ids of what it showed, separated by spaces. PHI.
alter table trail add column subjects text;
-- The emergency access under which it was read.
alter table trail add column emergency text;
create index trail_actor on trail (actor, at);
create index trail_lists on trail (at) where subjects is not null;

-- An event may be the plan's own, of no site.
create table outbox_next (
    id         text      not null primary key,
    at         timestamp not null,
    topic      text      not null,
    subject    text      not null,
    site_id    text,
    status     text      not null,
    version    integer   not null,
    sequence   integer   not null,
    sent_at    timestamp,
    unique (subject, sequence)
);
insert into outbox_next select id, at, topic, subject, site_id, status, version, sequence, sent_at from outbox;
drop table outbox;
alter table outbox_next rename to outbox;
create index outbox_unsent on outbox (id) where sent_at is null;
