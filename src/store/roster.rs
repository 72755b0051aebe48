//! What a member may see of the guild: who they are, and every name they can say.

use super::{GuildTx, StoreError};
use crate::authority::Actor;
use crate::domain::{Clearance, Kind, MemberId, Named, Persona, SquadId};
use crate::names::Entry;

/// The place from which an entry is over.
const OVER: i32 = 6;

/// The guild as the speaker sees it at the moment of speaking.
#[derive(Debug)]
pub struct View {
    /// Who speaks.
    pub actor: Actor,
    /// The commander.
    pub persona: Persona,
}

impl GuildTx {
    /// Reads who speaks, with their rights.
    ///
    /// # Errors
    /// [`StoreError::SessionOver`] when the session is no longer valid.
    pub async fn actor(&mut self) -> Result<Actor, StoreError> {
        let row = sqlx::query!(
            r#"
            select u.id, u.name, r.name as "rank?", r.hierarchy_level as "level?", s.id as "squad_id?",
                s.name as "squad?", (select current_clearance()) as clearance, (select current_actions()) as rights
            from users u
                left join ranks r on r.guild_id = u.guild_id and r.id = u.rank
                left join squads s on s.guild_id = u.guild_id and s.id = u.squad_id
            where u.id = (select current_member())
            "#
        )
        .fetch_optional(&mut *self.tx)
        .await?
        .ok_or(StoreError::SessionOver)?;
        let squad = row.squad_id.zip(row.squad).map(|(id, name)| Named { id: SquadId(id), name });
        Ok(Actor {
            member: Named { id: MemberId(row.id), name: row.name },
            rank: row.rank,
            level: row.level,
            clearance: row.clearance.as_deref().and_then(Clearance::parse).unwrap_or(Clearance::Brief),
            rights: row.rights.unwrap_or_default().into_iter().collect(),
            squad,
        })
    }

    /// Reads everything a turn needs before its words are understood, but for the names.
    ///
    /// # Errors
    /// [`StoreError::SessionOver`], or when the database cannot be reached.
    pub async fn view(&mut self) -> Result<View, StoreError> {
        let actor = self.actor().await?;
        let persona = sqlx::query_as!(Persona, "select name, phonetic, system_prompt, user_prompt from ai_commanders")
            .fetch_optional(&mut *self.tx)
            .await?
            .unwrap_or_default();
        Ok(View { actor, persona })
    }

    /// Reads every name within the member's sight.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn names(&mut self) -> Result<Vec<Entry>, StoreError> {
        // One statement for all names: what is open comes before what is over, so that a limit cuts the old.
        let rows = sqlx::query!(
            r#"
            select kind as "kind!", id as "id!", name as "name!", phonetic, hint as "hint!", parent, place as "place!"
            from guild_names()
            order by place, name
            "#
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let entries = rows
            .into_iter()
            .filter_map(|row| {
                Some(Entry {
                    kind: Kind::parse(&row.kind)?,
                    id: row.id,
                    name: row.name,
                    phonetic: row.phonetic,
                    hint: row.hint,
                    parent: row.parent,
                    open: row.place < OVER,
                })
            })
            .collect();
        Ok(entries)
    }
}
