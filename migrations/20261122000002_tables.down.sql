-- Users and squads name each other; the key goes first.
alter table squads drop constraint fk_squads_lead;
drop table user_sessions;
drop table objective_categories_junction;
drop table tasks;
drop table objectives;
drop table objective_categories;
drop table ai_commanders;
drop table users;
drop table squads;
drop table ranks;
drop table access_levels;
drop table guilds;
