-- Whatever a query forgets, the database shows a caller no rows of other sites. Each connection of the service takes this role,
-- which owns nothing and bypasses nothing; whoever logs in must be a member of it, and of the one that migrates nothing is asked.
do $$
begin
    create role lanyard_app nologin nobypassrls;
exception when duplicate_object or unique_violation then
    null;
end
$$;
grant select, insert, update, delete on all tables in schema public to lanyard_app;
grant usage on all sequences in schema public to lanyard_app;
alter default privileges in schema public grant select, insert, update, delete on tables to lanyard_app;
alter default privileges in schema public grant usage on sequences to lanyard_app;
revoke insert, update, delete on __diesel_schema_migrations from lanyard_app;
-- What is kept for good can't be changed, whatever a query says.
revoke update, delete on trail from lanyard_app;
revoke delete on principals, grants, delegations, emergency_accesses from lanyard_app;

-- Who asks, as every connection is told before anything else: `app.scope` is `sites`, `plan` or `job`, and unset means no rows.
-- `app.member` is the one member whose records the caller may see, whoever owns them: under the member's lock, or in an emergency.
alter table authorizations enable row level security;
alter table authorizations force row level security;
create policy seen on authorizations
using (
    (select current_setting('app.scope', true)) in ('plan', 'job')
    or site_id = any ((select string_to_array(current_setting('app.sites', true), ','))::text[])
    or member_id = (select nullif(current_setting('app.member', true), ''))
    or exists (
        select 1 from affiliations a
        where a.npi = servicing_npi and a.first_on <= service_end and (a.last_on is null or a.last_on >= service_start)
          and a.site_id = any ((select string_to_array(current_setting('app.sites', true), ','))::text[])
    )
    or exists (
        select 1 from sites s
        where s.npi = servicing_npi
          and s.id = any ((select string_to_array(current_setting('app.sites', true), ','))::text[])
    )
)
with check (
    (select current_setting('app.scope', true)) in ('plan', 'job')
    or site_id = any ((select string_to_array(current_setting('app.sites', true), ','))::text[])
);

-- What is below an authorization is seen by whoever sees that; it may be written beside it, in one statement.
do $$
declare
    below text;
begin
    foreach below in array array['authorization_lines', 'authorization_diagnoses', 'past_decisions'] loop
        execute format('alter table %I enable row level security', below);
        execute format('alter table %I force row level security', below);
        execute format(
            'create policy seen on %1$I using (
                 (select current_setting(''app.scope'', true)) in (''plan'', ''job'')
                 -- The limit keeps it a look-up for each row: else all authorizations might be read first.
                 or (
                     select true from authorizations a
                     where a.number_day = %1$I.number_day and a.number_seq = %1$I.number_seq
                     limit 1
                 )
             )
             with check ((select current_setting(''app.scope'', true)) in (''sites'', ''plan'', ''job''))',
            below
        );
    end loop;
end
$$;
