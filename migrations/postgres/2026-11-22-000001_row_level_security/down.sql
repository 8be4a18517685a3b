do $$
declare
    it text;
begin
    foreach it in array array['authorizations', 'authorization_lines', 'authorization_diagnoses', 'past_decisions'] loop
        execute format('drop policy seen on %I', it);
        execute format('alter table %I no force row level security', it);
        execute format('alter table %I disable row level security', it);
    end loop;
end
$$;
alter default privileges in schema public revoke all on tables from lanyard_app;
alter default privileges in schema public revoke all on sequences from lanyard_app;
revoke all on all tables in schema public from lanyard_app;
revoke all on all sequences in schema public from lanyard_app;
