-- The rows of one submission, a statement each.
\set member random(1, 10000)
begin;
select pg_advisory_xact_lock(:member);
select nextval('authorization_number') - mark as seq, exists(select 1 from authorizations where member_id = 'LOD' || lpad(:member::text, 10, '0') and requested_service = 'skilled_nursing_care' and servicing_npi = '1972902351' and service_end >= date '2026-12-01' and service_start <= date '2027-01-29' and status <> 'DENIED' and status <> 'CLOSED') as twin from number_days where day = date '2026-12-01' \gset
insert into authorizations (number_day, number_seq, version, events, request_type, requested_service, site_id, member_id, servicing_npi, status, urgency, parties, service_start, service_end, remarks, decision, created_by, created_at, updated_at) values (date '2026-12-01', :seq, 1, 2, 'home_health_care', 'skilled_nursing_care', 'site_0198c1f2a4b37c10a1b2c3d4e5f60718', 'LOD' || lpad(:member::text, 10, '0'), '1972902351', 'APPROVED', 'standard', repeat('p', 480), date '2026-12-01', date '2027-01-29', 'Clinical notes attached.', repeat('d', 420), 'usr_0198c1f2a4b37c10a1b2c3d4e5f60701', now(), now());
insert into authorization_lines values (date '2026-12-01', :seq, 1, 'APPROVED', 'revenue', '0551', '', 'Skilled nursing visit', 12, 12, 0);
insert into authorization_diagnoses values (date '2026-12-01', :seq, 1, 'I10', 'Essential (primary) hypertension');
insert into authorization_diagnoses values (date '2026-12-01', :seq, 2, 'E11.9', 'Type 2 diabetes mellitus without complications');
insert into trail values (md5(random()::text), now(), 'usr_0198c1f2a4b37c10a1b2c3d4e5f60701', 'lanyard-cli', md5(random()::text), 'site_0198c1f2a4b37c10a1b2c3d4e5f60718', 'authorization.submit', '26335R' || :seq, null, null, repeat('a', 64), repeat('b', 64));
insert into outbox values (md5(random()::text), now(), 'authorization.submitted', '26335R' || :seq, 'site_0198c1f2a4b37c10a1b2c3d4e5f60718', 'APPROVED', 1, 1, null);
insert into outbox values (md5(random()::text), now(), 'authorization.decided', '26335R' || :seq, 'site_0198c1f2a4b37c10a1b2c3d4e5f60718', 'APPROVED', 1, 2, null);
insert into idempotency values ('usr_0198c1f2a4b37c10a1b2c3d4e5f60701 site POST /v1/authorizations', md5(random()::text), repeat('f', 90), repeat('x', 2100), now());
commit;
