alter table principals drop column updated_at;
