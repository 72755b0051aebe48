//! The kinds of things that people manage, each a description of its table.

/// A kind of thing.
#[derive(Debug)]
pub struct Kind {
    /// What one is called in a sentence.
    pub word: &'static str,
    pub(super) table: &'static str,
    /// The columns that can be written, with their types.
    pub(super) columns: &'static [(&'static str, &'static str)],
    /// A query of all of them in the guild `$1`, with references by name.
    pub(super) list: &'static str,
    /// What changing a column by itself takes; the last is for all else.
    pub(super) needs: &'static [(&'static str, &'static str)],
    /// The function that removes one for a member.
    pub(super) removed_by: Option<&'static str>,
    /// The columns that point at one and are cleared before it goes.
    pub(super) pointing: &'static [(&'static str, &'static str)],
}

impl Kind {
    /// Its key in a command's JSON.
    #[must_use]
    pub fn key(&self) -> String {
        self.word.replace(' ', "_")
    }
}

/// Members.
pub static MEMBER: Kind = Kind {
    word: "member",
    table: "users",
    columns: &[
        ("name", "text"),
        ("phonetic", "text"),
        ("availability", "text"),
        ("rank", "uuid"),
        ("preferences", "text[]"),
        ("squad_id", "uuid"),
    ],
    list: "select u.name, r.name as rank, s.name as squad, u.availability, u.phonetic
        from users u
            left join ranks r on r.guild_id = u.guild_id and r.id = u.rank
            left join squads s on s.guild_id = u.guild_id and s.id = u.squad_id
        where u.guild_id = $1 order by lower(u.name)",
    needs: &[
        ("rank", "a rank is given by members with manage_ranks, and only below their own"),
        ("squad_id", "others are put into squads by members with manage_squads"),
        ("", "members are managed by members with manage_users, and renamed or removed only below their own rank"),
    ],
    removed_by: Some("member_remove"),
    pointing: &[("squads", "squad_lead"), ("objectives", "lead_id"), ("tasks", "lead_id")],
};

/// Squads.
pub static SQUAD: Kind = Kind {
    word: "squad",
    table: "squads",
    columns: &[("name", "text"), ("phonetic", "text"), ("squad_lead", "uuid")],
    list: "select s.name, l.name as lead, s.phonetic,
            (select count(*) from users u where u.guild_id = s.guild_id and u.squad_id = s.id) as members
        from squads s left join users l on l.guild_id = s.guild_id and l.id = s.squad_lead
        where s.guild_id = $1 order by lower(s.name)",
    needs: &[("", "squads are managed by members with manage_squads")],
    removed_by: Some("squad_disband"),
    pointing: &[("users", "squad_id"), ("objectives", "squad_id"), ("tasks", "squad_id")],
};

/// Ranks.
pub static RANK: Kind = Kind {
    word: "rank",
    table: "ranks",
    columns: &[
        ("name", "text"),
        ("phonetic", "text"),
        ("access_levels", "uuid[]"),
        ("hierarchy_level", "integer"),
        ("clearance", "text"),
    ],
    list: "select r.hierarchy_level as level, r.name, r.clearance, array(
                select l.name from access_levels l
                where l.guild_id = r.guild_id and l.id = any (r.access_levels) order by lower(l.name)) as access,
            r.phonetic, (select count(*) from users u where u.guild_id = r.guild_id and u.rank = r.id) as members
        from ranks r where r.guild_id = $1 order by r.hierarchy_level",
    needs: &[(
        "",
        "ranks are managed by members with manage_ranks, only below their own, and with no clearance or action that \
         they lack themselves",
    )],
    removed_by: Some("rank_remove"),
    pointing: &[],
};

/// Categories of objectives.
pub static CATEGORY: Kind = Kind {
    word: "category",
    table: "objective_categories",
    columns: &[("name", "text"), ("phonetic", "text"), ("description", "text")],
    list: "select name, description, phonetic from objective_categories where guild_id = $1 order by lower(name)",
    needs: &[("", "categories are managed by members with manage_objectives")],
    removed_by: Some("category_remove"),
    pointing: &[],
};

/// Access levels.
pub static ACCESS: Kind = Kind {
    word: "access level",
    table: "access_levels",
    columns: &[("name", "text"), ("user_actions", "text[]")],
    list: "select l.name, l.user_actions as actions, array(
                select r.name from ranks r
                where r.guild_id = l.guild_id and l.id = any (r.access_levels) order by r.hierarchy_level) as ranks
        from access_levels l where l.guild_id = $1 order by lower(l.name)",
    needs: &[(
        "",
        "access levels are managed by members with manage_guilds, with no action that they lack themselves, and none \
         that a senior rank has",
    )],
    removed_by: Some("access_level_remove"),
    pointing: &[],
};

/// The commander.
pub static COMMANDER: Kind = Kind {
    word: "commander",
    table: "ai_commanders",
    columns: &[("name", "text"), ("phonetic", "text"), ("system_prompt", "text"), ("user_prompt", "text")],
    list: "select name, phonetic, system_prompt, user_prompt from ai_commanders where guild_id = $1",
    needs: &[("", "the commander is changed by members with manage_guilds")],
    removed_by: None,
    pointing: &[],
};

/// Objectives, as an import writes them: descriptions and categories go other ways.
pub(in crate::store) static OBJECTIVE: Kind = Kind {
    word: "objective",
    table: "objectives",
    columns: &[
        ("name", "text"),
        ("phonetic", "text"),
        ("description", "jsonb"),
        ("preferences", "text[]"),
        ("priority", "text"),
        ("applicable_rank", "text"),
        ("progress", "real"),
        ("status", "text"),
        ("lead_id", "uuid"),
        ("squad_id", "uuid"),
    ],
    list: "",
    needs: &[(
        "",
        "objectives are made by members with create_objective and managed by members with manage_objectives, up to \
         their own rank",
    )],
    removed_by: None,
    pointing: &[],
};

/// Tasks, as an import writes them.
pub(in crate::store) static TASK: Kind = Kind {
    word: "task",
    table: "tasks",
    columns: &[
        ("objective_id", "uuid"),
        ("name", "text"),
        ("phonetic", "text"),
        ("description", "text"),
        ("status", "text"),
        ("priority", "text"),
        ("progress", "real"),
        ("self_assignment", "boolean"),
        ("lead_id", "uuid"),
        ("squad_id", "uuid"),
        ("schedule", "jsonb"),
    ],
    list: "",
    needs: &[("", "tasks are managed by members with manage_tasks")],
    removed_by: None,
    pointing: &[],
};
