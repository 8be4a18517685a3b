-- Prefixes are looked for as ranges, which only the order of bytes makes.
alter table members alter column last_folded type text collate "C";
alter table members alter column first_folded type text collate "C";
alter table provider_words alter column word type text collate "C";
