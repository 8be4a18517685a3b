-- The backups that were made, so that an alarm can tell when the last one is too old. What is in them is their own manifest's to say.
create table backups (
    id         text      not null primary key,
    at         timestamp not null,
    digest     text      not null
);
