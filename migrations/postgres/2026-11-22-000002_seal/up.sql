-- The trail can't be changed, but for where each entry stands in its chain.
grant update (position, chain) on trail to lanyard_app;
