alter table webhooks drop column all_sites;
