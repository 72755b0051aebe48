//! The journal's before and after images: what of a row can change by voice, without any text above a clearance.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{GuildTx, StoreError};
use crate::domain::Kind;

impl GuildTx {
    /// The row's image, locked for the rest of the transaction; an error when it is gone.
    pub(super) async fn image(&mut self, kind: Kind, id: Uuid) -> Result<Value, StoreError> {
        let connection: &mut PgConnection = &mut self.tx;
        let image = match kind {
            Kind::Objective => {
                sqlx::query_scalar!(
                    r#"
                    select jsonb_build_object('name', name, 'priority', priority, 'status', status,
                        'progress', progress, 'lead_id', lead_id, 'squad_id', squad_id, 'categories', categories)
                        as "image!"
                    from objectives where id = $1 for update
                    "#,
                    id
                )
                .fetch_optional(connection)
                .await?
            }
            Kind::Task => {
                sqlx::query_scalar!(
                    r#"
                    select jsonb_build_object('name', name, 'priority', priority, 'status', status,
                        'progress', progress, 'lead_id', lead_id, 'squad_id', squad_id, 'schedule', schedule)
                        as "image!"
                    from tasks where id = $1 for update
                    "#,
                    id
                )
                .fetch_optional(connection)
                .await?
            }
            Kind::Member => {
                sqlx::query_scalar!(
                    r#"
                    select jsonb_build_object('name', name, 'availability', availability, 'rank', rank,
                        'squad_id', squad_id) as "image!"
                    from users where id = $1 for update
                    "#,
                    id
                )
                .fetch_optional(connection)
                .await?
            }
            Kind::Squad => {
                sqlx::query_scalar!(
                    r#"select jsonb_build_object('name', name, 'squad_lead', squad_lead) as "image!"
                    from squads where id = $1 for update"#,
                    id
                )
                .fetch_optional(connection)
                .await?
            }
            Kind::Rank | Kind::Category => None,
        };
        image.ok_or(StoreError::Gone)
    }
}
