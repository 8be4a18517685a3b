-- Days are of the years 1900 to 2199. A grant that was dated beyond them means the same from the first of these or to the last.
update grants set first_on = '1900-01-01' where first_on < '1900-01-01';
update grants set first_on = '2199-12-31' where first_on > '2199-12-31';
update grants set last_on = '1900-01-01' where last_on < '1900-01-01';
update grants set last_on = '2199-12-31' where last_on > '2199-12-31';
