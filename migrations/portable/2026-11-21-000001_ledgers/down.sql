drop table number_days;
drop table idempotency;
drop table deadlines;
drop table outbox;
drop table trail;
