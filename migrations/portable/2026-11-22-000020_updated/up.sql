-- When someone, or what they are granted, was last changed; none where that was before it was kept.
alter table principals add column updated_at timestamp;
