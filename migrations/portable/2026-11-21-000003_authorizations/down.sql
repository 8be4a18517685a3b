drop table authorization_diagnoses;
drop table authorization_lines;
drop table authorizations;
