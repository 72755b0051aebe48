-- Signing in, and who may manage it.
--
-- The clear password or PIN never comes here. `users.password` and `users.pin` hold a verifier,
--     argon2id$m=19456,t=2,p=1$<salt>$<sha256 of K>
-- (both hexadecimal) where the client computes K = argon2id(secret, salt) and sends K. Who reads a verifier cannot compute K from it.
--
-- A client may roll back whatever it did in its own transaction, a failure counter included. So signing in takes two
-- transactions. `sign_in_try` counts the guess as a failure and looks at no secret at all: there is nothing in it to
-- learn from its answer, its time, its locks or its statistics. `sign_in_take` judges a guess only when the counting
-- was committed by another transaction, and takes the count back when the guess was right.

-- What a guild limits. `journal_days` null: the journal is kept for ever.
alter table guilds
    add column sign_in_failures_max integer not null default 5,
    add column sign_in_lock_minutes integer not null default 15,
    add column session_hours integer not null default 12,
    add column session_idle_minutes integer not null default 240,
    add column journal_days integer default 365,
    add constraint chk_guilds_sign_in_failures_max check (sign_in_failures_max between 1 and 100),
    add constraint chk_guilds_sign_in_lock_minutes check (sign_in_lock_minutes between 1 and 10080),
    add constraint chk_guilds_session_hours check (session_hours between 1 and 720),
    add constraint chk_guilds_session_idle_minutes check (session_idle_minutes between 1 and 43200),
    add constraint chk_guilds_journal_days check (journal_days between 1 and 36500);

-- `failed_attempts` and `locked_until` are the password's. `totp_pending` is a secret that no code has confirmed yet;
-- `totp_last_step` the latest 30-second step whose code was used.
alter table users
    add column pin_failed_attempts integer not null default 0,
    add column pin_locked_until timestamptz,
    add column totp_pending varchar(32),
    add column totp_last_step bigint;

-- Signing in is no change of the member: the stamp moves with the columns that are.
drop trigger touch on users;
create trigger touch before update of
        guild_id, id, name, phonetic, availability, rank, preferences, password, pin, squad_id, totp_secret, created_at
    on users for each row execute function touch_updated_at();

-- `opened_with` keeper: by the owner of these tables, who needs no secret.
alter table user_sessions
    add column last_seen_at timestamptz not null default now(),
    add column opened_with text not null default 'keeper',
    add constraint chk_user_sessions_opened_with check (opened_with in ('password', 'pin', 'keeper'));

-- Rows that stand in for members whom nobody is: a guess at an unknown name counts on one of them, so that it makes
-- the same work as a guess at a real one. They are nobody's, no session can be opened for them.
create table sign_in_decoys (like users including all);
insert into sign_in_decoys (guild_id, name)
select '00000000-0000-0000-0000-000000000000', 'decoy ' || n from generate_series(0, 63) as n;

-- Guesses between their two transactions; a minute old, they are worth nothing. A guess at an unknown name has no
-- guild and no user. No foreign keys, so that this table does not tell a real name from another by its locks.
create table sign_in_tries (
    id uuid primary key,
    tried_in xid8 not null,
    made_at timestamptz not null,
    kind text not null,
    key_hash bytea not null,
    code text not null,
    agent text not null,
    guild_id uuid,
    user_id uuid,
    judged boolean not null
);
create index idx_sign_in_tries_made_at on sign_in_tries (made_at);

-- The secret that makes invented salts stable and unpredictable: one row.
create table sign_in_secret (
    one boolean primary key default true,
    secret bytea not null,
    constraint chk_sign_in_secret_one check (one)
);

-- 256 random bits. A random uuid has 122.
create function random_secret() returns bytea
    language sql volatile set search_path = pg_catalog, public, pg_temp
begin atomic
    select sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
        || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
end;

-- A hash that nobody without this database's secret can compute. A database restored without rows makes a new one.
create function secret_hash(what text) returns bytea
    language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
    found_secret bytea;
begin
    select secret into found_secret from sign_in_secret;
    if found_secret is null then
        insert into sign_in_secret (secret) values (random_secret()) on conflict do nothing;
        select secret into found_secret from sign_in_secret;
    end if;
    return sha256(found_secret || convert_to(what, 'utf8'));
end
$$;
insert into sign_in_secret (secret) values (random_secret());

-- SHA-1 (RFC 3174), which RFC 6238's codes are made of and PostgreSQL's core does not have.
create function sha1(data bytea) returns bytea
    language plpgsql immutable strict parallel safe set search_path = pg_catalog, public, pg_temp
as $$
declare
    ones constant bigint := 4294967295;
    padded constant bytea := data || '\x80'::bytea
        || decode(repeat('00', (119 - length(data) % 64) % 64), 'hex') || int8send(length(data)::bigint * 8);
    h0 bigint := 1732584193; h1 bigint := 4023233417; h2 bigint := 2562383102; h3 bigint := 271733878;
    h4 bigint := 3285377520;
    a bigint; b bigint; c bigint; d bigint; e bigint; t bigint;
    w bigint[];
begin
    for chunk in 0 .. length(padded) / 64 - 1 loop
        w := array_fill(0::bigint, array[80]);
        for i in 0 .. 15 loop
            t := chunk * 64 + i * 4;
            w[i + 1] := get_byte(padded, t::int) * 16777216::bigint + get_byte(padded, t::int + 1) * 65536
                + get_byte(padded, t::int + 2) * 256 + get_byte(padded, t::int + 3);
        end loop;
        for i in 17 .. 80 loop
            t := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
            w[i] := ((t << 1) | (t >> 31)) & ones;
        end loop;
        a := h0; b := h1; c := h2; d := h3; e := h4;
        for i in 1 .. 80 loop
            t := (((a << 5) | (a >> 27)) & ones) + e + w[i] + case
                when i <= 20 then ((b & c) | ((b # ones) & d)) + 1518500249
                when i <= 40 then (b # c # d) + 1859775393
                when i <= 60 then ((b & c) | (b & d) | (c & d)) + 2400959708
                else (b # c # d) + 3395469782 end;
            e := d; d := c; c := ((b << 30) | (b >> 2)) & ones; b := a; a := t & ones;
        end loop;
        h0 := (h0 + a) & ones; h1 := (h1 + b) & ones; h2 := (h2 + c) & ones; h3 := (h3 + d) & ones;
        h4 := (h4 + e) & ones;
    end loop;
    return decode(lpad(to_hex(h0), 8, '0') || lpad(to_hex(h1), 8, '0') || lpad(to_hex(h2), 8, '0')
        || lpad(to_hex(h3), 8, '0') || lpad(to_hex(h4), 8, '0'), 'hex');
end
$$;

-- HMAC-SHA-1 (RFC 2104).
create function hmac_sha1(key bytea, message bytea) returns bytea
    language plpgsql immutable strict parallel safe set search_path = pg_catalog, public, pg_temp
as $$
declare
    short constant bytea := case when length(key) > 64 then sha1(key) else key end;
    inner_pad bytea := decode(repeat('36', 64), 'hex');
    outer_pad bytea := decode(repeat('5c', 64), 'hex');
begin
    for i in 0 .. length(short) - 1 loop
        inner_pad := set_byte(inner_pad, i, get_byte(short, i) # 54);
        outer_pad := set_byte(outer_pad, i, get_byte(short, i) # 92);
    end loop;
    return sha1(outer_pad || sha1(inner_pad || message));
end
$$;

-- Base32 (RFC 4648) without padding; bytes must come in fives.
create function base32_encode(data bytea) returns text
    language sql immutable strict parallel safe set search_path = pg_catalog, public, pg_temp
begin atomic
    select string_agg(substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', substr(bits, at, 5)::bit(5)::int + 1, 1), '' order by at)
    from (select string_agg(get_byte(data, i)::bit(8)::text, '' order by i) as bits
            from generate_series(0, length(data) - 1) as i) as whole,
        generate_series(1, length(bits), 5) as at;
end;

-- The bytes of a base32 text in capitals; null when it is none.
create function base32_decode(secret text) returns bytea
    language sql immutable strict parallel safe set search_path = pg_catalog, public, pg_temp
begin atomic
    select case when secret collate "C" ~ '^[A-Z2-7]+$' then (
        select string_agg(set_byte('\x00', 0, substr(bits, at * 8 + 1, 8)::bit(8)::int), '' order by at)
        from (select string_agg(
                (strpos('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', substr(secret, i, 1)) - 1)::bit(5)::text, '' order by i) as bits
                from generate_series(1, length(secret)) as i) as whole,
            generate_series(0, length(bits) / 8 - 1) as at)
    end;
end;

-- The six digits of RFC 6238 for a step of 30 seconds; null when the secret is no base32.
create function totp_code(secret text, step bigint) returns text
    language plpgsql immutable strict parallel safe set search_path = pg_catalog, public, pg_temp
as $$
declare
    mac constant bytea := hmac_sha1(base32_decode(secret), int8send(step));
    at constant integer := get_byte(mac, 19) & 15;
begin
    return lpad((((get_byte(mac, at) & 127) * 16777216 + get_byte(mac, at + 1) * 65536
        + get_byte(mac, at + 2) * 256 + get_byte(mac, at + 3)) % 1000000)::text, 6, '0');
end
$$;

-- The step whose code was given: this one, the one before or the one after, later than the last that was used. Null
-- when there is none. Always computes all three.
create function totp_step(secret text, code text, last_step bigint) returns bigint
    language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
    now_step constant bigint := floor(extract(epoch from clock_timestamp()) / 30);
    matching bigint;
begin
    for step in now_step - 1 .. now_step + 1 loop
        if totp_code(secret, step) = code and step > coalesce(last_step, -1) then
            matching := step;
        end if;
    end loop;
    return matching;
end
$$;

-- Whether a text is a verifier within the limits that every client computes.
create function verifier_is_valid(verifier text) returns boolean
    language sql immutable parallel safe set search_path = pg_catalog, public, pg_temp
begin atomic
    select case when verifier collate "C"
            ~ '^argon2id[$]m=[1-9][0-9]{0,4},t=[1-9][0-9]?,p=1[$][0-9a-f]{32}[$][0-9a-f]{64}$'
        then substring(verifier from 'm=([0-9]+)')::int between 8 and 65536
            and substring(verifier from 't=([0-9]+)')::int between 1 and 10
        else false end;
end;

-- What a client needs to compute K: `argon2id$m=…,t=…,p=…$<salt>`. A name without that secret gets the usual parameters
-- and a salt of its own that stays the same, so that it looks like any other.
create function sign_in_parameters(guild text, member text, kind text) returns text
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    asked constant text := concat_ws(e'\n', left(lower(guild), 200), left(lower(member), 200), kind);
    invented constant text := 'argon2id$m=19456,t=2,p=1$' || encode(substr(secret_hash('salt' || asked), 1, 16), 'hex');
    place constant uuid := coalesce(
        (select g.id from guilds g where lower(g.name) = lower(sign_in_parameters.guild)), gen_random_uuid());
    verifier text;
begin
    select case kind when 'password' then u.password when 'pin' then u.pin end into verifier
    from users u where u.guild_id = place and lower(u.name) = lower(sign_in_parameters.member);
    -- Both ways pass through the same steps.
    verifier := coalesce(verifier, invented || '$' || repeat('0', 64));
    return case when verifier_is_valid(verifier) then left(verifier, -65) else invented end;
end
$$;

-- The first half of signing in. Counts the guess as a failure of the member's password or PIN and returns a ticket
-- for `sign_in_take`; says nothing else. Whether the name is known, the guess right or the account locked cannot be
-- seen here. The guess that reaches the guild's limit locks the account, and a guess while it is locked is neither
-- counted nor judged. `code` is the TOTP code, if any; `agent` describes the client.
create function sign_in_try(guild text, member text, kind text, key bytea, code text, agent text) returns uuid
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp
    set lock_timeout = '5s'
as $$
declare
    asked constant text := concat_ws(e'\n', left(lower(guild), 200), left(lower(member), 200));
    mark constant bytea := secret_hash('turn' || asked);
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    ticket constant uuid := gen_random_uuid();
    is_pin constant boolean := kind = 'pin';
    moment timestamptz;
    limits record;
    real_row record;
    decoy_row record;
    is_real boolean;
    failures integer;
    locked timestamptz;
    judged boolean;
begin
    if kind is null or kind not in ('password', 'pin') then
        raise exception using errcode = 'invalid_parameter_value', message = 'one signs in with a password or a pin';
    end if;
    -- Guesses at one name follow each other, real or not: who holds one open makes the next wait either way.
    perform pg_advisory_xact_lock(('x' || encode(substr(mark, 1, 8), 'hex'))::bit(64)::bigint);
    moment := clock_timestamp();
    select coalesce(g.id, gen_random_uuid()) as place, coalesce(g.sign_in_failures_max, 5) as most,
            make_interval(mins => coalesce(g.sign_in_lock_minutes, 15)) as pause
        into limits from (values (1)) as always left join guilds g on lower(g.name) = lower(sign_in_try.guild);
    select u.id, case when is_pin then u.pin_failed_attempts else u.failed_attempts end as failures,
            case when is_pin then u.pin_locked_until else u.locked_until end as locked
        into real_row from users u
        where u.guild_id = limits.place and lower(u.name) = lower(sign_in_try.member) for no key update;
    is_real := real_row.id is not null;
    -- A decoy that somebody else holds is passed over, or two unknown names would wait where two real ones do not.
    select u.id, case when is_pin then u.pin_failed_attempts else u.failed_attempts end as failures,
            case when is_pin then u.pin_locked_until else u.locked_until end as locked
        into decoy_row from sign_in_decoys u
        where u.guild_id = case when is_real then limits.place else nobody end
            and lower(u.name) = 'decoy ' || get_byte(mark, 8) % 64 for no key update skip locked;
    failures := coalesce(real_row.failures, decoy_row.failures, 0);
    locked := coalesce(real_row.locked, decoy_row.locked);
    judged := coalesce(locked <= moment, true);
    if judged then
        -- A lock that is over has wiped the slate.
        failures := case when locked is null then failures else 0 end + 1;
        locked := case when failures >= limits.most then moment + limits.pause end;
    end if;
    insert into sign_in_tries (id, tried_in, made_at, kind, key_hash, code, agent, guild_id, user_id, judged)
    values (ticket, pg_current_xact_id(), moment, kind, sha256(coalesce(key, '')), left(coalesce(code, ''), 16),
        regexp_replace(left(coalesce(agent, ''), 200), '[[:cntrl:]]', ' ', 'g'),
        case when is_real then limits.place end, real_row.id, judged);
    if is_real then
        update users set
            failed_attempts = case when is_pin then failed_attempts else failures end,
            locked_until = case when is_pin then locked_until else locked end,
            pin_failed_attempts = case when is_pin then failures else pin_failed_attempts end,
            pin_locked_until = case when is_pin then locked else pin_locked_until end
        where guild_id = limits.place and id = real_row.id;
    else
        update sign_in_decoys set
            failed_attempts = case when is_pin then failed_attempts else failures end,
            locked_until = case when is_pin then locked_until else locked end,
            pin_failed_attempts = case when is_pin then failures else pin_failed_attempts end,
            pin_locked_until = case when is_pin then locked else pin_locked_until end
        where guild_id = nobody and id = decoy_row.id;
    end if;
    delete from sign_in_tries where id in (
        select old.id from sign_in_tries old where old.made_at < moment - interval '1 minute'
        order by old.made_at limit 10 for update skip locked);
    return ticket;
end
$$;

-- Opens a session and returns its token, of which only the hash is kept. Not for the program's role.
create function session_open(guild uuid, member uuid, opened text, agent text) returns text
    language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
    token constant text := encode(random_secret(), 'hex');
    moment constant timestamptz := clock_timestamp();
begin
    delete from user_sessions where (guild_id, id) in (
        select old.guild_id, old.id from user_sessions old
        where old.guild_id = guild and old.expires_at < moment
        order by old.expires_at limit 100 for update skip locked);
    insert into user_sessions
        (guild_id, user_id, token_hash, expires_at, ip_address, user_agent, last_seen_at, created_at, opened_with)
    select g.id, member, encode(sha256(convert_to(token, 'utf8')), 'hex'),
        moment + make_interval(hours => g.session_hours), host(coalesce(inet_client_addr(), '127.0.0.1')),
        nullif(left(agent, 200), ''), moment, moment, opened
    from guilds g where g.id = guild;
    update users set last_login = moment where guild_id = guild and id = member;
    return token;
end
$$;

-- The second half of signing in: the new session's token, once, or null. Null for a guess that was wrong, not judged,
-- made by this very transaction, taken already or older than a minute, and for a ticket that nobody has. A right guess
-- resets its counter and uses up its TOTP code.
create function sign_in_take(ticket uuid) returns text
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp
    set lock_timeout = '5s'
as $$
declare
    guess sign_in_tries;
    verifier text;
    secret text;
    last_step bigint;
    step bigint;
    fits boolean;
begin
    delete from sign_in_tries
    where id = ticket and tried_in <> pg_current_xact_id() and made_at > clock_timestamp() - interval '1 minute'
    returning * into guess;
    if guess.id is null then
        return null;
    end if;
    select case guess.kind when 'pin' then u.pin else u.password end, u.totp_secret, u.totp_last_step
        into verifier, secret, last_step
        from users u where u.guild_id = guess.guild_id and u.id = guess.user_id;
    -- Everything is computed in any case, so that a right password with a wrong code takes as long as a wrong password,
    -- and both as long as a name that nobody has.
    step := totp_step(coalesce(secret, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'), guess.code, last_step);
    verifier := coalesce(verifier, 'argon2id$m=19456,t=2,p=1$' || repeat('0', 32) || '$' || repeat('0', 64));
    fits := verifier_is_valid(verifier);
    fits := right(verifier, 64) = encode(guess.key_hash, 'hex') and fits;
    if not (fits and guess.judged and guess.user_id is not null and (secret is null or step is not null)) then
        return null;
    end if;
    -- Looks again, for another may have taken the same code in the meantime.
    update users set
        failed_attempts = case guess.kind when 'pin' then failed_attempts else 0 end,
        locked_until = case guess.kind when 'pin' then locked_until else null end,
        pin_failed_attempts = case guess.kind when 'pin' then 0 else pin_failed_attempts end,
        pin_locked_until = case guess.kind when 'pin' then null else pin_locked_until end,
        totp_last_step = case when secret is null then totp_last_step else step end
    where guild_id = guess.guild_id and id = guess.user_id and totp_secret is not distinct from secret
        and (secret is null or coalesce(totp_last_step, -1) < step)
        and verifier = case guess.kind when 'pin' then pin else password end;
    if not found then
        return null;
    end if;
    return session_open(guess.guild_id, guess.user_id, guess.kind, guess.agent);
end
$$;

-- A session also ends when nobody used it for as long as the guild says. The statement's own time counts: a
-- transaction that is kept open does not keep its session alive.
create or replace function current_guild() returns uuid
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select s.guild_id from user_sessions s join guilds g on g.id = s.guild_id
    where s.token_hash = session_token_hash() and s.expires_at > statement_timestamp()
        and s.last_seen_at > statement_timestamp() - make_interval(mins => g.session_idle_minutes);
end;

create or replace function current_member() returns uuid
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select s.user_id from user_sessions s join guilds g on g.id = s.guild_id
    where s.token_hash = session_token_hash() and s.expires_at > statement_timestamp()
        and s.last_seen_at > statement_timestamp() - make_interval(mins => g.session_idle_minutes);
end;

-- Notes that the session is in use, once a minute. Never wakes one that is over, and never waits.
create function session_touch() returns void
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    update user_sessions set last_seen_at = clock_timestamp() where (guild_id, id) = (
        select s.guild_id, s.id from user_sessions s
        where s.token_hash = session_token_hash() and s.guild_id = current_guild()
            and s.last_seen_at < statement_timestamp() - interval '1 minute'
        for no key update skip locked);
end
$$;

-- Who the session is: the names a client shows. No row when it is over.
create function session_who() returns table (guild text, member uuid, name text)
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select g.name, u.id, u.name from guilds g join users u on u.guild_id = g.id
    where g.id = current_guild() and u.id = current_member();
end;

-- Ends this very session.
create function session_close() returns void
    language sql volatile security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    delete from user_sessions where token_hash = session_token_hash();
end;

-- The schema's version, for a client that may not read the list of migrations; null when nobody keeps one.
create function schema_version() returns bigint
    language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    version bigint;
begin
    if to_regclass('public._sqlx_migrations') is not null then
        execute 'select max(version) from public._sqlx_migrations where success' into version;
    end if;
    return version;
end
$$;

-- In a transaction that looks at an old picture of the database, what the session may do is asked of the present one: a
-- rank that was taken, a level that was changed or a session that was ended in the meantime makes it fail (40001) instead
-- of going through. Whoever lets a member change something calls it.
create function standing_is_current() returns void
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    own_guild uuid;
    own_rank uuid;
begin
    if current_setting('transaction_isolation') in ('read committed', 'read uncommitted') then
        return;
    end if;
    own_guild := current_guild();
    perform from user_sessions where token_hash = session_token_hash() for share;
    select rank into own_rank from users where guild_id = own_guild and id = current_member() for share;
    perform from ranks where guild_id = own_guild and id = own_rank for share;
    perform from access_levels l join ranks r on r.guild_id = l.guild_id and l.id = any (r.access_levels)
    where r.guild_id = own_guild and r.id = own_rank for share of l;
end
$$;

-- Managing. Functions that take a guild check no rights: they are for the owner of the tables, and for the functions
-- below them, which do check.

-- Sets a password's or PIN's verifier, or clears it, or clears TOTP, when `verifier` is null. Starts its counter anew
-- and ends the member's sessions but this very one.
create function secret_write(guild uuid, member uuid, kind text, verifier text) returns void
    language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
begin
    if kind is null or kind not in ('password', 'pin', 'totp') or (kind = 'totp' and verifier is not null)
        or (verifier is not null and not verifier_is_valid(verifier))
    then
        raise exception using errcode = 'invalid_parameter_value',
            message = 'a password or pin is given as a verifier: argon2id$m=…,t=…,p=1$salt$digest';
    end if;
    update users set
        password = case kind when 'password' then verifier else password end,
        failed_attempts = case kind when 'password' then 0 else failed_attempts end,
        locked_until = case kind when 'password' then null else locked_until end,
        pin = case kind when 'pin' then verifier else pin end,
        pin_failed_attempts = case kind when 'pin' then 0 else pin_failed_attempts end,
        pin_locked_until = case kind when 'pin' then null else pin_locked_until end,
        totp_secret = case kind when 'totp' then null else totp_secret end,
        totp_pending = case kind when 'totp' then null else totp_pending end
    where guild_id = guild and id = member;
    if not found then
        raise exception using errcode = 'insufficient_privilege', message = 'there is no such member to manage';
    end if;
    perform sessions_drop(guild, member);
end
$$;

-- Ends a member's sessions but this very one; how many.
create function sessions_drop(guild uuid, member uuid) returns bigint
    language sql volatile set search_path = pg_catalog, public, pg_temp
begin atomic
    with gone as (
        delete from user_sessions
        where guild_id = guild and user_id = member
            and token_hash <> encode(sha256(convert_to(coalesce(current_setting('sphereconnect.token', true), ''), 'utf8')), 'hex')
        returning 1)
    select count(*) from gone;
end;

-- Proposes a TOTP secret of 160 bits, in base32. It counts once `totp_accept` saw a code of it.
create function totp_prepare(guild uuid, member uuid) returns text
    language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
    proposed constant text := base32_encode(substr(random_secret(), 1, 20));
begin
    update users set totp_pending = proposed where guild_id = guild and id = member;
    if not found then
        raise exception using errcode = 'insufficient_privilege', message = 'there is no such member to manage';
    end if;
    return proposed;
end
$$;

-- Makes the proposed secret the member's when the code is right; false otherwise. The code is used up.
create function totp_accept(guild uuid, member uuid, code text) returns boolean
    language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
    proposed text;
    step bigint;
begin
    select u.totp_pending into proposed from users u where u.guild_id = guild and u.id = member for no key update;
    step := totp_step(proposed, code, null);
    if step is null then
        return false;
    end if;
    update users set totp_secret = proposed, totp_pending = null, totp_last_step = step
    where guild_id = guild and id = member;
    perform sessions_drop(guild, member);
    return true;
end
$$;

-- Lifts the locks of a member's password and PIN.
create function member_release(guild uuid, member uuid) returns boolean
    language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
begin
    update users set failed_attempts = 0, locked_until = null, pin_failed_attempts = 0, pin_locked_until = null
    where guild_id = guild and id = member;
    return found;
end
$$;

-- Whether the session may manage a member: with `manage_users`, and strictly junior to its own rank.
create function member_is_below(member uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select 'manage_users' = any (current_actions()) and exists (
        select from users u left join ranks r on r.guild_id = u.guild_id and r.id = u.rank
        where u.guild_id = current_guild() and u.id = member
            and (u.rank is null or r.hierarchy_level > current_rank_level()
                -- Who may set the secrets of another may become them: nothing of theirs may be above one's own.
                and array_position(array['brief', 'tactical', 'classified'], r.clearance)
                    <= array_position(array['brief', 'tactical', 'classified'], current_clearance())
                and not exists (
                    select from access_levels l where l.guild_id = r.guild_id and l.id = any (r.access_levels)
                        and not l.user_actions <@ current_actions()))
            and u.id <> current_member());
end;

-- Whether the session was opened within 15 minutes and with the password, or by the keeper: a PIN, or a program that
-- was left alone, changes no secret.
create function session_is_fresh() returns boolean
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select exists (
        select from user_sessions s
        where s.token_hash = session_token_hash() and s.guild_id = current_guild()
            and s.opened_with in ('password', 'keeper') and s.created_at > statement_timestamp() - interval '15 minutes');
end;

-- Raises unless the session may change the member's secrets: its own while it is fresh, or of a member below it.
create function secret_change_check(member uuid) returns void
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform standing_is_current();
    if member = current_member() and not session_is_fresh() then
        raise exception using errcode = 'insufficient_privilege',
            message = 'one''s own secrets are changed within 15 minutes of signing in with the password';
    elsif (member = current_member() or member_is_below(member)) is not true then
        raise exception using errcode = 'insufficient_privilege',
            message = 'secrets of others are changed by members who may manage users, and only below their own rank';
    end if;
end
$$;

-- Sets the verifier of a password or PIN, one's own or of a member below.
create function secret_set(member uuid, kind text, verifier text) returns void
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform secret_change_check(member);
    perform secret_write(current_guild(), member, kind, coalesce(verifier, ''));
end
$$;

-- Takes a password, PIN or TOTP away.
create function secret_clear(member uuid, kind text) returns void
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform secret_change_check(member);
    perform secret_write(current_guild(), member, kind, null);
end
$$;

-- Proposes a TOTP secret to the member who asks.
create function totp_begin() returns text
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform secret_change_check(current_member());
    return totp_prepare(current_guild(), current_member());
end
$$;

-- Confirms it with a first code.
create function totp_confirm(code text) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform secret_change_check(current_member());
    return totp_accept(current_guild(), current_member(), code);
end
$$;

-- Lets a locked member below try again at once.
create function member_unlock(member uuid) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform standing_is_current();
    if not coalesce(member_is_below(member), false) then
        raise exception using errcode = 'insufficient_privilege',
            message = 'a member is unlocked by members who may manage users, and only below their own rank';
    end if;
    return member_release(current_guild(), member);
end
$$;

-- How members sign in: one's own row, and those of members below. No secret, no verifier.
create function members_sign_in() returns table (member uuid, name text, has_password boolean, has_pin boolean,
        has_totp boolean, failures integer, locked_until timestamptz, pin_failures integer, pin_locked_until timestamptz,
        last_login timestamptz)
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select u.id, u.name, u.password is not null, u.pin is not null, u.totp_secret is not null,
        u.failed_attempts, u.locked_until, u.pin_failed_attempts, u.pin_locked_until, u.last_login
    from users u left join ranks r on r.guild_id = u.guild_id and r.id = u.rank
    where u.guild_id = (select current_guild()) and (u.id = (select current_member())
        or ('manage_users' = any ((select current_actions())::text[])
            and (u.rank is null or r.hierarchy_level > (select current_rank_level()))))
    order by lower(u.name);
end;

-- The sessions one may end: one's own, and those of members below. Never a token's hash.
create function sessions_visible() returns table (session uuid, member uuid, name text, opened_with text,
        created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz, ip_address text, user_agent text,
        is_this boolean)
    language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
    select s.id, u.id, u.name, s.opened_with, s.created_at, s.last_seen_at, s.expires_at, s.ip_address::text, s.user_agent,
        s.token_hash = (select session_token_hash())
    from user_sessions s
        join guilds g on g.id = s.guild_id
        join users u on u.guild_id = s.guild_id and u.id = s.user_id
        left join ranks r on r.guild_id = u.guild_id and r.id = u.rank
    where s.guild_id = (select current_guild()) and s.expires_at > statement_timestamp()
        and s.last_seen_at > statement_timestamp() - make_interval(mins => g.session_idle_minutes)
        and (u.id = (select current_member())
            or ('manage_users' = any ((select current_actions())::text[])
                and (u.rank is null or r.hierarchy_level > (select current_rank_level()))))
    order by lower(u.name), s.created_at;
end;

-- Ends one session of `sessions_visible`; false when it is none of them.
create function session_end(session uuid) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform standing_is_current();
    delete from user_sessions s
    where s.guild_id = current_guild() and s.id = session_end.session
        and (s.user_id = current_member() or member_is_below(s.user_id));
    return found;
end
$$;

-- Ends all sessions of oneself, but this one, or of a member below; how many.
create function session_end_all(member uuid) returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform standing_is_current();
    if (member = current_member() or member_is_below(member)) is not true then
        raise exception using errcode = 'insufficient_privilege',
            message = 'sessions of others are ended by members who may manage users, and only below their own rank';
    end if;
    return sessions_drop(current_guild(), member);
end
$$;

revoke execute on function
    random_secret(), secret_hash(text), sha1(bytea), hmac_sha1(bytea, bytea), base32_encode(bytea), base32_decode(text),
    totp_code(text, bigint), totp_step(text, text, bigint), verifier_is_valid(text),
    sign_in_parameters(text, text, text), sign_in_try(text, text, text, bytea, text, text), sign_in_take(uuid),
    session_open(uuid, uuid, text, text), session_touch(), session_who(), session_close(), schema_version(),
    secret_write(uuid, uuid, text, text), sessions_drop(uuid, uuid), totp_prepare(uuid, uuid),
    totp_accept(uuid, uuid, text), member_release(uuid, uuid), member_is_below(uuid), session_is_fresh(),
    secret_change_check(uuid), secret_set(uuid, text, text), secret_clear(uuid, text), totp_begin(), totp_confirm(text),
    member_unlock(uuid), members_sign_in(), sessions_visible(), session_end(uuid), session_end_all(uuid),
    standing_is_current()
from public;
grant execute on function
    sign_in_parameters(text, text, text), sign_in_try(text, text, text, bytea, text, text), sign_in_take(uuid),
    session_touch(), session_who(), session_close(), schema_version(),
    secret_set(uuid, text, text), secret_clear(uuid, text), totp_begin(), totp_confirm(text), member_unlock(uuid),
    members_sign_in(), sessions_visible(), session_end(uuid), session_end_all(uuid), standing_is_current()
to sphereconnect_app;

-- Nothing of this is for the program's role, whatever else it may be granted one day.
alter table sign_in_decoys enable row level security, force row level security;
alter table sign_in_tries enable row level security, force row level security;
alter table sign_in_secret enable row level security, force row level security;
create policy sign_in_decoys_keeper on sign_in_decoys for all to current_user using (true) with check (true);
create policy sign_in_tries_keeper on sign_in_tries for all to current_user using (true) with check (true);
create policy sign_in_secret_keeper on sign_in_secret for all to current_user using (true) with check (true);
create policy sign_in_decoys_select on sign_in_decoys for select to sphereconnect_app using (false);
create policy sign_in_decoys_insert on sign_in_decoys for insert to sphereconnect_app with check (false);
create policy sign_in_decoys_update on sign_in_decoys for update to sphereconnect_app using (false) with check (false);
create policy sign_in_decoys_delete on sign_in_decoys for delete to sphereconnect_app using (false);
create policy sign_in_tries_select on sign_in_tries for select to sphereconnect_app using (false);
create policy sign_in_tries_insert on sign_in_tries for insert to sphereconnect_app with check (false);
create policy sign_in_tries_update on sign_in_tries for update to sphereconnect_app using (false) with check (false);
create policy sign_in_tries_delete on sign_in_tries for delete to sphereconnect_app using (false);
create policy sign_in_secret_select on sign_in_secret for select to sphereconnect_app using (false);
create policy sign_in_secret_insert on sign_in_secret for insert to sphereconnect_app with check (false);
create policy sign_in_secret_update on sign_in_secret for update to sphereconnect_app using (false) with check (false);
create policy sign_in_secret_delete on sign_in_secret for delete to sphereconnect_app using (false);
create policy user_sessions_select on user_sessions for select to sphereconnect_app using (false);
create policy user_sessions_insert on user_sessions for insert to sphereconnect_app with check (false);
create policy user_sessions_update on user_sessions for update to sphereconnect_app using (false) with check (false);
create policy user_sessions_delete on user_sessions for delete to sphereconnect_app using (false);

-- When somebody last signed in is for those who manage them: `members_sign_in`.
revoke select (last_login) on users from sphereconnect_app;
