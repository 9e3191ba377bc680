//! Restrictions that name a project or service by its id. They go with what they name: what is made under
//! the same name later is something else, which nobody has restricted anything to.

use crate::StoreError;
use crate::now;
use crate::services::to_json;
use crate::sql::{Session, params};
use domain::notification::Audience;
use domain::secret_group::{GroupSettings, NfObjectKind};
use domain::team;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A column that holds restrictions, as JSON.
struct Column {
    /// The rows of the owner `$1` that have any: key and column.
    rows: &'static str,
    /// Puts `$2` into the row `$1` of the owner `$3`. Where rows have revisions, that is a change like
    /// another (`$4`, now): who is just changing the row looks at it again.
    replace: &'static str,
}

const GROUPS: Column = Column {
    rows: "SELECT uid, settings FROM secret_groups WHERE project_uid = $1 ORDER BY uid",
    replace: "UPDATE secret_groups SET settings = $2,
                  updated_at = CASE WHEN updated_at < $4 THEN $4 ELSE updated_at + 1 END
              WHERE uid = $1 AND project_uid = $3",
};

const CREDENTIALS: Column = Column {
    rows: "SELECT uid, projects FROM registry_credentials
           WHERE team = $1 AND projects IS NOT NULL ORDER BY uid",
    replace: "UPDATE registry_credentials SET projects = $2,
                  updated_at = CASE WHEN updated_at < $4 THEN $4 ELSE updated_at + 1 END
              WHERE uid = $1 AND team = $3",
};

const ROLES: Column = Column {
    rows: "SELECT id, restrictions FROM roles WHERE team = $1 ORDER BY id",
    replace: "UPDATE roles SET restrictions = $2,
                  updated_at = CASE WHEN updated_at < $4 THEN $4 ELSE updated_at + 1 END
              WHERE id = $1 AND team = $3",
};

const INTEGRATIONS: Column = Column {
    rows: "SELECT uid, audience FROM notification_integrations WHERE team = $1 ORDER BY uid",
    replace: "UPDATE notification_integrations SET audience = $2,
                  updated_at = CASE WHEN updated_at < $4 THEN $4 ELSE updated_at + 1 END
              WHERE uid = $1 AND team = $3",
};

/// A token of the organisation may be meant for a project of that name in any team.
const TOKENS: Column = Column {
    rows: "SELECT id, projects FROM tokens
           WHERE team = $1 AND projects IS NOT NULL AND NOT organisation ORDER BY id",
    // A statement uses all of its values, this one the time of the change for nothing.
    replace: "UPDATE tokens SET projects = $2
              WHERE id = $1 AND team = $3 AND CAST($4 AS BIGINT) IS NOT NULL",
};

impl Column {
    /// Takes out of the owner's restrictions what `forget` takes out; it says whether that was anything.
    async fn drop_from<T: Serialize + DeserializeOwned>(
        &self,
        tx: &mut Session<'_>,
        owner: &str,
        forget: impl Fn(&mut T) -> bool,
    ) -> Result<(), StoreError> {
        let lock = if tx.locks_rows() { " FOR UPDATE" } else { "" };
        let rows = format!("{}{lock}", self.rows);
        let rows: Vec<(String, T)> = tx
            .rows(&rows, params![owner], |row| Ok((row.get(0)?, row.json(1)?)))
            .await?;
        for (key, mut restrictions) in rows {
            if forget(&mut restrictions) {
                let json = to_json(&restrictions)?;
                tx.execute(self.replace, params![key, json, owner, now()])
                    .await?;
            }
        }
        Ok(())
    }
}

/// Takes an id out of a list; whether it was in there.
fn take(ids: &mut Vec<String>, id: &str) -> bool {
    let before = ids.len();
    ids.retain(|other| other != id);
    ids.len() < before
}

/// Forgets a project of a team that is being deleted. What was for this project only is for none then.
pub(crate) async fn forget_project(
    tx: &mut Session<'_>,
    team: &str,
    id: &str,
) -> Result<(), StoreError> {
    let list = |ids: &mut Vec<String>| take(ids, id);
    let role = |role: &mut team::Restrictions| take(&mut role.projects, id);
    let told = |audience: &mut Audience| {
        let projects = audience.projects.as_mut();
        projects.is_some_and(|ids| take(ids, id))
    };
    CREDENTIALS.drop_from(tx, team, list).await?;
    ROLES.drop_from(tx, team, role).await?;
    INTEGRATIONS.drop_from(tx, team, told).await?;
    TOKENS.drop_from(tx, team, list).await
}

/// Forgets a service of a project that is being deleted.
pub(crate) async fn forget_service(
    tx: &mut Session<'_>,
    project_uid: &str,
    id: &str,
) -> Result<(), StoreError> {
    let forget = |settings: &mut GroupSettings| {
        let named = &mut settings.restrictions.nf_objects;
        let before = named.len();
        named.retain(|object| object.kind != NfObjectKind::Service || object.id != id);
        named.len() < before
    };
    GROUPS.drop_from(tx, project_uid, forget).await
}
