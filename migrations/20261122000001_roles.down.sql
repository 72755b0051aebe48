drop function metrics_share(jsonb);
drop function description_is_valid(jsonb);
drop function schedule_is_valid(jsonb);
drop function schedule_instant(jsonb, text);

-- The role itself stays: it belongs to the whole cluster, and another database may have granted it something or have
-- it signed in at this moment. An operator who wants it gone drops it after the last database.
revoke usage on schema public from sphereconnect_app;
