-- Whether a webhook is told of all of its owner's sites, later ones too; it has no rows in webhook_sites then.
alter table webhooks add column all_sites boolean not null default false;
