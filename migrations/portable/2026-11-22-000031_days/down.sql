-- What was beyond isn't known any more, and means the same.
select 1;
