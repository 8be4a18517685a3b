-- Who and what exists. PHI: all of `members` and `coverages`; contacts are business contacts.
create table products (
    id             text    not null primary key,
    name           text    not null,
    -- Whether this is the plan's MassHealth product, "My Care Family (MVACO)".
    my_care_family boolean not null
);

create table organizations (
    id   text not null primary key,
    name text not null
);

create table sites (
    id              text not null primary key,
    organization_id text not null references organizations (id),
    name            text not null,
    npi             text not null
);

create table providers (
    npi        text not null primary key,
    name       text not null,
    kind       text not null check (kind in ('person', 'organization')),
    pay_to_npi text references providers (npi)
);

-- Which provider practises at which site, and when; an open end is null.
create table affiliations (
    npi      text not null references providers (npi),
    site_id  text not null references sites (id),
    first_on date not null,
    last_on  date,
    primary key (npi, site_id, first_on)
);

create table members (
    id            text not null primary key,
    first_name    text not null,
    last_name     text not null,
    date_of_birth date not null,
    pcp_npi       text references providers (npi),
    pcp_site_id   text references sites (id)
);

-- The days on which a member is covered, and by which product; open-ended coverage has no last day.
create table coverages (
    member_id  text not null references members (id),
    product_id text not null references products (id),
    first_on   date not null,
    last_on    date,
    primary key (member_id, first_on)
);

create table diagnosis_codes (
    code        text    not null,
    first_on    date    not null,
    last_on     date,
    billable    boolean not null,
    description text    not null,
    primary key (code, first_on)
);

-- Who calls: people, staff among them, and system clients.
create table principals (
    id            text    not null primary key,
    role          text    not null,
    name          text    not null,
    contact_name  text,
    contact_phone text,
    active        boolean not null
);

create table site_grants (
    principal_id text not null references principals (id),
    site_id      text not null references sites (id),
    primary key (principal_id, site_id)
);
