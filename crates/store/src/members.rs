//! The people in a team, and the roles they have.

use crate::sql::{Row, Session, params};
use crate::tokens::{NewToken, insert};
use crate::{Store, StoreError, now, numbers, roles};
use domain::{Member, PermissionSet, Secret, team};

/// Which members of a team: a stretch of them, of all or of those with one role.
#[derive(Clone, Copy, Debug)]
pub struct MemberRange<'a> {
    /// Only those with this role.
    pub role: Option<&'a str>,
    /// Only those with a number above this.
    pub after: i64,
    /// How many of those are skipped.
    pub offset: i64,
    /// How many at the most.
    pub limit: i64,
}

fn member(row: &Row<'_>) -> Result<Member, StoreError> {
    Ok(Member {
        uid: row.get(0)?,
        team: row.get(1)?,
        id: row.get(2)?,
        email: row.get(3)?,
        finalized: row.get(4)?,
        number: row.get(5)?,
        created_at: row.get(6)?,
    })
}

/// Takes hold of a member, so that they do not go while they are given something.
pub(crate) async fn hold(
    tx: &mut Session<'_>,
    team: &str,
    id: &str,
) -> Result<Option<String>, StoreError> {
    tx.row(
        "UPDATE members SET number = number WHERE team = $1 AND id = $2 RETURNING uid",
        params![team, id],
        |row| row.get(0),
    )
    .await
}

/// An id for somebody with this address that nobody in the team has yet.
async fn free_id(tx: &mut Session<'_>, team: &str, email: &str) -> Result<String, StoreError> {
    let wanted = team::member_id(email);
    let mut id = wanted.clone();
    for number in 2.. {
        let taken = tx
            .row(
                "SELECT 1 FROM members WHERE team = $1 AND id = $2",
                params![team, &id],
                |_| Ok(()),
            )
            .await?;
        if taken.is_none() {
            break;
        }
        id = format!("{wanted}-{number}");
    }
    Ok(id)
}

async fn give(tx: &mut Session<'_>, uid: &str, role: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO member_roles (member_uid, role) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        params![uid, role],
    )
    .await?;
    Ok(())
}

impl Store {
    /// Makes a member of a team, with roles and a token, whose secret is returned this once.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody in the team has this address, [`StoreError::Gone`] when
    /// the team or a role is not there.
    pub async fn invite(
        &self,
        team: &str,
        email: &str,
        roles: &[String],
    ) -> Result<(Member, Secret), StoreError> {
        let mut tx = self.db.write().await?;
        let number = numbers::MEMBERS.next(&mut tx, team).await?;
        let member = Member {
            uid: uuid::Uuid::now_v7().to_string(),
            team: team.to_owned(),
            id: free_id(&mut tx, team, email).await?,
            email: email.to_lowercase(),
            finalized: false,
            number,
            created_at: now(),
        };
        tx.execute(
            "INSERT INTO members (uid, team, number, id, email, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![
                &member.uid,
                &member.team,
                member.number,
                &member.id,
                &member.email,
                member.created_at
            ],
        )
        .await?;
        for role in roles {
            if !roles::hold(&mut tx, team, role).await? {
                return Err(StoreError::Gone);
            }
            give(&mut tx, &member.uid, role).await?;
        }
        let token = NewToken {
            name: member.id.clone(),
            team: team.to_owned(),
            organisation: false,
            role: None,
            member: Some(member.id.clone()),
            permissions: PermissionSet::default(),
            projects: None,
            expires_at: None,
        };
        let (_, secret) = insert(&mut tx, token).await?;
        tx.commit().await?;
        Ok((member, secret))
    }

    /// Members of a team, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn members(
        &self,
        team: &str,
        range: MemberRange<'_>,
    ) -> Result<Vec<Member>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT uid, team, id, email, finalized, number, created_at FROM members m
                 WHERE team = $1 AND number > $2
                     AND (CAST($3 AS TEXT) IS NULL OR EXISTS (
                         SELECT 1 FROM member_roles r WHERE r.member_uid = m.uid AND r.role = $3))
                 ORDER BY number LIMIT $4 OFFSET $5",
                params![team, range.after, range.role, range.limit, range.offset],
                member,
            )
            .await
    }

    /// The team's member with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn member(&self, team: &str, id: &str) -> Result<Option<Member>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                "SELECT uid, team, id, email, finalized, number, created_at FROM members
                 WHERE team = $1 AND id = $2",
                params![team, id],
                member,
            )
            .await
    }

    /// Gives a member a role; they may have it already.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when the member or the role is not there.
    pub async fn give_role(&self, team: &str, role: &str, member: &str) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        let uid = hold(&mut tx, team, member).await?.ok_or(StoreError::Gone)?;
        if !roles::hold(&mut tx, team, role).await? {
            return Err(StoreError::Gone);
        }
        give(&mut tx, &uid, role).await?;
        tx.commit().await
    }

    /// Takes a role from a member; `false` when they do not have it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_role(
        &self,
        team: &str,
        role: &str,
        member: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let taken = tx
            .execute(
                "DELETE FROM member_roles WHERE role = $2
                 AND member_uid IN (SELECT uid FROM members WHERE team = $1 AND id = $3)",
                params![team, role, member],
            )
            .await?;
        tx.commit().await?;
        Ok(taken > 0)
    }

    /// The ids of a member's roles.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn roles_of_member(&self, team: &str, id: &str) -> Result<Vec<String>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT r.role FROM member_roles r JOIN members m ON m.uid = r.member_uid
                 WHERE m.team = $1 AND m.id = $2 ORDER BY r.role",
                params![team, id],
                |row| row.get(0),
            )
            .await
    }

    /// Deletes a member with their tokens; `false` when there is none.
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn delete_member(&self, team: &str, id: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let Some(uid) = hold(&mut tx, team, id).await? else {
            return Ok(false);
        };
        for statement in [
            "DELETE FROM tokens WHERE member_uid = $1",
            "DELETE FROM member_roles WHERE member_uid = $1",
            "DELETE FROM members WHERE uid = $1",
        ] {
            tx.execute(statement, params![&uid]).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Notes that a member has used a token of theirs.
    pub(crate) async fn finalize(&self, member_uid: &str) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        tx.execute(
            "UPDATE members SET finalized = TRUE WHERE uid = $1",
            params![member_uid],
        )
        .await?;
        tx.commit().await
    }
}
