-- Sign-in goes; verifiers stay where they were before, in users.password and users.pin.
grant select (last_login) on users to sphereconnect_app;

drop policy user_sessions_delete on user_sessions;
drop policy user_sessions_update on user_sessions;
drop policy user_sessions_insert on user_sessions;
drop policy user_sessions_select on user_sessions;
drop table sign_in_secret;
drop table sign_in_tries;
drop table sign_in_decoys;

drop function session_end_all(uuid);
drop function session_end(uuid);
drop function sessions_visible();
drop function members_sign_in();
drop function member_unlock(uuid);
drop function totp_confirm(text);
drop function totp_begin();
drop function secret_clear(uuid, text);
drop function secret_set(uuid, text, text);
drop function secret_change_check(uuid);
drop function session_is_fresh();
drop function member_is_below(uuid);
drop function member_release(uuid, uuid);
drop function totp_accept(uuid, uuid, text);
drop function totp_prepare(uuid, uuid);
drop function sessions_drop(uuid, uuid);
drop function secret_write(uuid, uuid, text, text);
drop function standing_is_current();
drop function schema_version();
drop function session_close();
drop function session_who();
drop function session_touch();
drop function sign_in_take(uuid);
drop function session_open(uuid, uuid, text, text);
drop function sign_in_try(text, text, text, bytea, text, text);
drop function sign_in_parameters(text, text, text);
drop function verifier_is_valid(text);
drop function totp_step(text, text, bigint);
drop function totp_code(text, bigint);
drop function base32_decode(text);
drop function base32_encode(bytea);
drop function hmac_sha1(bytea, bytea);
drop function sha1(bytea);
drop function secret_hash(text);
drop function random_secret();

create or replace function current_guild() returns uuid
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select guild_id from user_sessions where token_hash = session_token_hash() and expires_at > now();
end;

create or replace function current_member() returns uuid
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select user_id from user_sessions where token_hash = session_token_hash() and expires_at > now();
end;

alter table user_sessions drop column opened_with, drop column last_seen_at;

drop trigger touch on users;
create trigger touch before update on users for each row execute function touch_updated_at();

alter table users
    drop column totp_last_step, drop column totp_pending, drop column pin_locked_until, drop column pin_failed_attempts;
alter table guilds
    drop column journal_days, drop column session_idle_minutes, drop column session_hours,
    drop column sign_in_lock_minutes, drop column sign_in_failures_max;
