//! `per_page`, `page`, `cursor`: read, checked, and turned into a range.

use super::{ApiError, Pagination, Params, Problems, Sealer};
use schemars::JsonSchema;

const DEFAULT_PER_PAGE: i64 = 50;
const MAX_PER_PAGE: i64 = 100;
/// Pages count from 1; the last one whose offset still fits.
const MAX_PAGE: i64 = i64::MAX / MAX_PER_PAGE;

/// For the document: the parameters of a list.
#[derive(JsonSchema)]
pub(crate) struct Paging {
    /// Rows of a page.
    #[schemars(range(min = 1, max = 100), default = "default_per_page")]
    #[expect(dead_code, reason = "for the document")]
    per_page: Option<i64>,
    /// The page, from 1.
    #[schemars(range(min = 1))]
    #[expect(dead_code, reason = "for the document")]
    page: Option<i64>,
    /// Where the previous page ended, from its `pagination.cursor`. Wins over `page`.
    #[expect(dead_code, reason = "for the document")]
    cursor: Option<String>,
}

fn default_per_page() -> Option<i64> {
    Some(DEFAULT_PER_PAGE)
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// After skipping so many rows.
    Skip(i64),
    /// After the row with this number.
    After(i64),
}

/// A checked pagination query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageQuery {
    pub(crate) per_page: i64,
    pub(crate) start: Start,
}

impl PageQuery {
    /// Reads the three parameters; `cursor` wins over `page` when both come.
    pub(crate) fn read<Q>(
        params: &Params<Q>,
        sealer: &Sealer,
        list: &str,
    ) -> Result<Self, ApiError> {
        let mut problems = Problems::default();
        let per_page = number(params, "per_page", MAX_PER_PAGE, &mut problems);
        let page = number(params, "page", MAX_PAGE, &mut problems);
        let cursor = params.get("cursor").map(|cursor| sealer.open(list, cursor));
        if cursor == Some(None) {
            problems.add("cursor", "is not a cursor of this list");
        }
        problems.into_result()?;
        let per_page = per_page.unwrap_or(DEFAULT_PER_PAGE);
        let start = match cursor.flatten() {
            Some(after) => Start::After(after),
            None => Start::Skip((page.unwrap_or(1) - 1).saturating_mul(per_page)),
        };
        Ok(PageQuery { per_page, start })
    }

    /// The numbers a list is asked for by: those above one, and how many of these are skipped.
    pub(crate) fn range(&self) -> (i64, i64) {
        match self.start {
            Start::After(number) => (number, 0),
            Start::Skip(count) => (0, count),
        }
    }

    /// One row more than asked for tells whether there is a next page.
    pub(crate) fn limit(&self) -> i64 {
        self.per_page + 1
    }

    /// The page of a list that is short enough to be read whole: `rows` in the order of their
    /// numbers. One row more than asked for, if there is one, like the store's pages.
    pub(crate) fn of_few<T>(&self, rows: Vec<T>, number: impl Fn(&T) -> i64) -> Vec<T> {
        let from = match self.start {
            Start::After(after) => rows.partition_point(|row| number(row) <= after),
            Start::Skip(count) => usize::try_from(count).unwrap_or(usize::MAX),
        };
        let limit = usize::try_from(self.limit()).unwrap_or(usize::MAX);
        rows.into_iter().skip(from).take(limit).collect()
    }

    /// Cuts the extra row off and says where the walk stands.
    pub(crate) fn cut<T>(
        &self,
        rows: &mut Vec<T>,
        sealer: &Sealer,
        list: &str,
        number: impl Fn(&T) -> i64,
    ) -> Pagination {
        let per_page = usize::try_from(self.per_page).unwrap_or(usize::MAX);
        let has_next_page = rows.len() > per_page;
        rows.truncate(per_page);
        let last = rows.last().filter(|_| has_next_page);
        Pagination {
            has_next_page,
            cursor: last.map(|row| sealer.seal(list, number(row))),
            count: rows.len(),
        }
    }
}

fn number<Q>(params: &Params<Q>, name: &str, max: i64, problems: &mut Problems) -> Option<i64> {
    let text = params.get(name)?;
    match text.parse::<i64>() {
        Ok(value) if (1..=max).contains(&value) => Some(value),
        _ => {
            problems.add(
                name,
                format!("must be a whole number from 1 to {max}, and is `{text}`"),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<PageQuery, ApiError> {
        let params = Params::<Paging>::parse(query);
        PageQuery::read(&params, &Sealer::new("key"), "list")
    }

    #[test]
    fn defaults_and_limits() {
        let page = read("").unwrap();
        assert_eq!((page.per_page, page.start), (50, Start::Skip(0)));
        let page = read("per_page=100&page=3").unwrap();
        assert_eq!((page.per_page, page.start), (100, Start::Skip(200)));
        for bad in [
            "per_page=0",
            "per_page=101",
            "page=0",
            "page=x",
            "cursor=abc",
            "page=-1",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cursor_wins_over_a_page() {
        let cursor = Sealer::new("key").seal("list", 7);
        let page = read(&format!("page=9&cursor={cursor}")).unwrap();
        assert_eq!(page.start, Start::After(7));
    }
}
