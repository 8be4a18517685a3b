create table outbox_before (
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
insert into outbox_before
select id, at, topic, subject, site_id, status, version, sequence, sent_at from outbox where site_id is not null;
drop table outbox;
alter table outbox_before rename to outbox;
create index outbox_unsent on outbox (id) where sent_at is null;
drop index trail_lists;
drop index trail_actor;
alter table trail drop column emergency;
alter table trail drop column subjects;
alter table trail drop column outcome;
drop table emergency_accesses;
drop table used_assertions;
drop table clients;
drop table delegations;
create table callers (
    id            text    not null primary key,
    role          text    not null,
    name          text    not null,
    contact_name  text,
    contact_phone text,
    active        boolean not null
);
insert into callers
select id, (select min(g.role) from grants g where g.principal_id = p.id), name, contact_name, contact_phone, active
from principals p where exists (select 1 from grants g where g.principal_id = p.id);
create table site_grants (
    principal_id text not null references callers (id),
    site_id      text not null references sites (id),
    primary key (principal_id, site_id)
);
insert into site_grants
select distinct principal_id, site_id from grants where site_id is not null and approved_at is not null and ended_at is null;
drop table grants;
drop table principals;
alter table callers rename to principals;
