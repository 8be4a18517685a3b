-- One authorization and all below it, in one join.
\set seq random(1, 100)
select * from authorizations a join authorization_lines l using (number_day, number_seq) join authorization_diagnoses d using (number_day, number_seq) where number_day = date '2026-12-01' and number_seq = :seq;
