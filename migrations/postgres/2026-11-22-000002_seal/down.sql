revoke update (position, chain) on trail from lanyard_app;
