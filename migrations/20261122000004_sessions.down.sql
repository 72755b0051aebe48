-- Takes back every grant and policy, then the functions they ask.
drop policy objective_categories_junction_all on objective_categories_junction;
drop policy tasks_update on tasks;
drop policy tasks_insert on tasks;
drop policy tasks_select on tasks;
drop policy objectives_update on objectives;
drop policy objectives_insert on objectives;
drop policy objectives_select on objectives;
drop policy squads_all on squads;
drop policy users_update on users;
drop policy users_select on users;
drop policy objective_categories_select on objective_categories;
drop policy access_levels_select on access_levels;
drop policy ranks_select on ranks;
drop policy ai_commanders_select on ai_commanders;
drop policy guilds_select on guilds;
drop policy user_sessions_keeper on user_sessions;
drop policy objective_categories_junction_keeper on objective_categories_junction;
drop policy objective_categories_keeper on objective_categories;
drop policy tasks_keeper on tasks;
drop policy objectives_keeper on objectives;
drop policy access_levels_keeper on access_levels;
drop policy ranks_keeper on ranks;
drop policy squads_keeper on squads;
drop policy ai_commanders_keeper on ai_commanders;
drop policy users_keeper on users;
drop policy guilds_keeper on guilds;

-- A revoke on a table takes its columns' grants with it.
revoke all on
    guilds, users, ai_commanders, squads, ranks, access_levels, objectives, tasks, objective_categories,
    objective_categories_junction
from sphereconnect_app;

alter table user_sessions no force row level security, disable row level security;
alter table objective_categories_junction no force row level security, disable row level security;
alter table objective_categories no force row level security, disable row level security;
alter table tasks no force row level security, disable row level security;
alter table objectives no force row level security, disable row level security;
alter table access_levels no force row level security, disable row level security;
alter table ranks no force row level security, disable row level security;
alter table squads no force row level security, disable row level security;
alter table ai_commanders no force row level security, disable row level security;
alter table users no force row level security, disable row level security;
alter table guilds no force row level security, disable row level security;

drop trigger rank_change on users;
drop function rank_change_is_allowed();
drop function squad_disband(uuid);
drop function objective_measure(uuid, text, double precision);
drop function objective_describe(uuid, text, text);
drop function objective_sections(uuid);
drop function objective_is_visible(uuid);
drop function visible_rank_names();
drop function current_actions();
drop function current_rank_level();
drop function current_clearance();
drop function current_member();
drop function current_guild();
drop function session_token_hash();
