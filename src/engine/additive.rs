//! Whether a SELECT can follow the files of a table: what comes of some of the files, put together, is what comes of all.
//!
//! That is so for each file where every row out is made of one row of the table and of nothing else that changes with the
//! files: no groups, no windows, no LIMIT above it. It is so for each partition where the partition of a row out is
//! decided by the group or window that makes it. What this file does not know is taken for an obstacle.

use std::collections::BTreeSet;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::{Distinct, Expr, Join, JoinType, LogicalPlan};

use super::pii::full_name;
use super::relations::Relations;
use crate::error::Result;
use crate::error::engine_error;
use crate::model::{Incremental, Strategy};
use crate::name::TableName;

/// Why `plan` cannot be computed from some of the files that `incremental` follows, if it cannot; and what to write.
pub(super) fn obstacle(
    plan: &LogicalPlan,
    incremental: &Incremental,
    partition_by: &[String],
    relations: &Relations,
) -> Option<Obstacle> {
    let from = &incremental.from;
    let scans = scans(plan, from, relations);
    if scans != 1 {
        return Some(Obstacle {
            what: format!("it reads {from} {scans} times, and may hold rows of different files against each other"),
            hint: "read it once, or write `materialized: table`",
        });
    }
    let decided_by = match incremental.strategy {
        Strategy::Partition => {
            let names = plan.schema().fields().iter().map(|field| field.name());
            Some(names.enumerate().filter(|(_, name)| partition_by.contains(name)).map(|(at, _)| at).collect())
        }
        Strategy::Append | Strategy::Merge { .. } => None,
    };
    let mut path = Path { from, relations, foreign: false };
    path.walk(plan, decided_by).err()
}

/// What stands between a model and its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) what: String,
    pub(super) hint: &'static str,
}

/// The steps from a model's rows down to the scan of the table it follows.
struct Path<'a> {
    from: &'a TableName,
    relations: &'a Relations,
    /// Whether the partition is decided, too, by columns of another table.
    foreign: bool,
}

/// The columns of a step by which the partition of a row is decided; none where every row must stand by itself.
type DecidedBy = Option<BTreeSet<usize>>;

impl Path<'_> {
    fn walk(&mut self, plan: &LogicalPlan, decided_by: DecidedBy) -> Result<(), Obstacle> {
        match plan {
            LogicalPlan::TableScan(scan) if full_name(&scan.table_name, self.relations).as_ref() == Some(self.from) => {
                Ok(())
            }
            LogicalPlan::TableScan(scan) => Err(obstacle_of(
                format!("rows of {} depend on which rows {} has", scan.table_name, self.from),
                "read the table that is followed behind FROM, or write `materialized: table`",
            )),
            LogicalPlan::SubqueryAlias(step) => self.walk(&step.input, decided_by),
            LogicalPlan::Filter(step) => self.walk(&step.input, decided_by),
            LogicalPlan::Sort(step) if step.fetch.is_none() => self.walk(&step.input, decided_by),
            LogicalPlan::Sort(_) | LogicalPlan::Limit(_) => Err(obstacle_of(
                "LIMIT chooses among the rows of all files",
                "take it out, or write `materialized: table`",
            )),
            LogicalPlan::Projection(step) => {
                let below = decided_by.map(|columns| {
                    let exprs = columns.iter().filter_map(|at| step.expr.get(*at));
                    indices(exprs, &step.input)
                });
                self.walk(&step.input, below)
            }
            LogicalPlan::Aggregate(step) => {
                let Some(columns) = self.groups(decided_by, "GROUP BY makes one row of rows of several files")? else {
                    return Ok(());
                };
                if columns.iter().any(|at| *at >= step.group_expr.len()) {
                    return Err(undecided("GROUP BY"));
                }
                let exprs = columns.iter().filter_map(|at| step.group_expr.get(*at));
                if exprs.clone().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
                    return Err(undecided("a grouping set"));
                }
                let below = indices(exprs, &step.input);
                self.walk(&step.input, Some(below))
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let below = self.groups(decided_by, "DISTINCT makes one row of rows of several files")?;
                self.walk(input, below)
            }
            LogicalPlan::Window(step) => {
                let Some(columns) = self.groups(decided_by, "a window looks at rows of several files")? else {
                    return Ok(());
                };
                let width = step.input.schema().fields().len();
                let within = |expr: &Expr| match expr {
                    Expr::WindowFunction(window) => {
                        let by = indices(window.params.partition_by.iter().filter(|by| is_column(by)), &step.input);
                        columns.is_subset(&by)
                    }
                    _ => false,
                };
                let bare = step.window_expr.iter().map(|expr| expr.clone().unalias());
                if columns.iter().any(|at| *at >= width) || !bare.collect::<Vec<_>>().iter().all(within) {
                    return Err(undecided("PARTITION BY of a window"));
                }
                self.walk(&step.input, Some(columns))
            }
            LogicalPlan::Union(step) => {
                let Some(columns) = decided_by else {
                    return Err(obstacle_of(
                        "UNION adds rows that are of no file",
                        "follow each table in a model of its own, and put them together in a view",
                    ));
                };
                match step.inputs.iter().find(|input| scans(input, self.from, self.relations) > 0) {
                    Some(input) => self.walk(input, Some(columns)),
                    None => Ok(()),
                }
            }
            LogicalPlan::Join(join) => self.join(join, decided_by),
            LogicalPlan::Unnest(step) => {
                // Columns move; below it every column may decide.
                let below = decided_by.map(|_| (0..step.input.schema().fields().len()).collect());
                self.walk(&step.input, below)
            }
            other => Err(obstacle_of(
                format!("{} is not known to keep rows of different files apart", other.display()),
                "write `materialized: table`",
            )),
        }
    }

    /// Notes that a step makes one row of several, which only partitions can bear.
    fn groups(&mut self, decided_by: DecidedBy, what: &str) -> Result<DecidedBy, Obstacle> {
        if decided_by.is_none() {
            return Err(obstacle_of(what, "write `strategy: partition` with `partition_by`, or `materialized: table`"));
        }
        if self.foreign {
            return Err(obstacle_of(
                "the partition of a row is decided by another table that is joined to groups",
                "join the table before rows are grouped",
            ));
        }
        Ok(decided_by)
    }

    fn join(&mut self, join: &Join, decided_by: DecidedBy) -> Result<(), Obstacle> {
        let on_left = scans(&join.left, self.from, self.relations) > 0;
        let (followed, is_kept_whole) = match (on_left, join.join_type) {
            (true, JoinType::Inner | JoinType::LeftSemi | JoinType::LeftAnti) => (&join.left, false),
            (true, JoinType::Left | JoinType::LeftMark) => (&join.left, true),
            (false, JoinType::Inner | JoinType::RightSemi | JoinType::RightAnti) => (&join.right, false),
            (false, JoinType::Right | JoinType::RightMark) => (&join.right, true),
            _ => {
                return Err(obstacle_of(
                    format!("a {} join gives rows of its own where {} has none", join.join_type, self.from),
                    "join from the table that is followed: FROM it LEFT JOIN the others",
                ));
            }
        };
        // Where a group meets no row of the other table, its partition would not be seen.
        if !is_kept_whole && grouped_below(followed) {
            return Err(obstacle_of(
                "groups may be lost in a join",
                "join the table before rows are grouped, or with LEFT JOIN",
            ));
        }
        let below = decided_by.map(|columns| {
            let start = match join.join_type {
                _ if on_left => 0,
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => 0,
                _ => join.left.schema().fields().len(),
            };
            let width = followed.schema().fields().len();
            let of_followed = |at: &usize| at.checked_sub(start).filter(|at| *at < width);
            self.foreign |= columns.iter().any(|at| of_followed(at).is_none());
            columns.iter().filter_map(of_followed).collect()
        });
        self.walk(followed, below)
    }
}

fn obstacle_of(what: impl Into<String>, hint: &'static str) -> Obstacle {
    Obstacle { what: what.into(), hint }
}

fn undecided(what: &str) -> Obstacle {
    obstacle_of(
        format!("{what} does not name the columns of `partition_by`, so a group may have rows of several partitions"),
        "name them there, or write `materialized: table`",
    )
}

fn is_column(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(_))
}

/// The columns of `input` that the expressions read.
fn indices<'a>(exprs: impl Iterator<Item = &'a Expr>, input: &LogicalPlan) -> BTreeSet<usize> {
    let of_column = |column: &Column| input.schema().maybe_index_of_column(column);
    exprs.flat_map(|expr| expr.column_refs().into_iter().filter_map(of_column).collect::<Vec<_>>()).collect()
}

/// How often `plan` reads `table`, subqueries included.
fn scans(plan: &LogicalPlan, table: &TableName, relations: &Relations) -> usize {
    let mut scans = 0;
    let walked = plan.apply_with_subqueries(|step| {
        if let LogicalPlan::TableScan(scan) = step
            && full_name(&scan.table_name, relations).as_ref() == Some(table)
        {
            scans += 1;
        }
        Ok(TreeNodeRecursion::Continue)
    });
    // The walk itself never fails.
    if walked.is_err() { 0 } else { scans }
}

/// Whether a step of `plan` makes one row of several.
fn grouped_below(plan: &LogicalPlan) -> bool {
    let groups = |step: &LogicalPlan| {
        Ok(matches!(step, LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_) | LogicalPlan::Window(_)))
    };
    plan.exists(groups).unwrap_or(true)
}

/// The same plan without filters above groups and windows of `from`: it gives a row for every partition that a file has
/// rows for, also where that file alone would not pass them. What is joined to those rows is the same for all files, and
/// keeps its filters: with an anti join more rows there are fewer here.
pub(super) fn without_late_filters(plan: LogicalPlan, from: &TableName, relations: &Relations) -> Result<LogicalPlan> {
    let dropped = plan.transform_up(|step| {
        Ok(match step {
            LogicalPlan::Filter(filter)
                if grouped_below(&filter.input) && scans(&filter.input, from, relations) > 0 =>
            {
                Transformed::yes(filter.input.as_ref().clone())
            }
            other => Transformed::no(other),
        })
    });
    Ok(dropped.map_err(engine_error)?.data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::TestEngine;
    use crate::sql::Source;

    async fn found(sql: &str, strategy: Strategy, partition_by: &[&str]) -> Option<String> {
        let test = TestEngine::new();
        let plan = test.engine.model_logical_plan(&Source::new("m", sql)).await.unwrap();
        let incremental = Incremental { from: "raw.visitas".parse().unwrap(), strategy };
        let partition_by: Vec<String> = partition_by.iter().map(ToString::to_string).collect();
        obstacle(&plan, &incremental, &partition_by, test.engine.relations()).map(|obstacle| obstacle.what)
    }

    #[tokio::test]
    async fn what_stands_by_itself_row_for_row_follows_files() {
        for sql in [
            "SELECT canal, nota + 1 AS mas FROM raw.visitas WHERE nota > 1 ORDER BY nota",
            "WITH v AS (SELECT * FROM raw.visitas) SELECT v.canal FROM v",
            "SELECT v.canal, c.edad FROM raw.visitas v LEFT JOIN raw.clientes c ON c.cliente_id = v.cliente_id",
            "SELECT v.canal FROM raw.clientes c JOIN raw.visitas v ON c.cliente_id = v.cliente_id",
            "SELECT canal FROM raw.visitas WHERE cliente_id IN (SELECT cliente_id FROM raw.clientes)",
            "SELECT v.canal, t.n FROM raw.visitas v JOIN (SELECT cliente_id, count(*) AS n FROM raw.clientes GROUP BY cliente_id) t \
             ON t.cliente_id = v.cliente_id",
        ] {
            assert_eq!(found(sql, Strategy::Append, &[]).await, None, "{sql}");
        }
        for sql in [
            "SELECT canal, count(*) AS n FROM raw.visitas GROUP BY canal",
            "SELECT DISTINCT canal FROM raw.visitas",
            "SELECT canal FROM raw.visitas LIMIT 1",
            "SELECT canal FROM raw.visitas ORDER BY nota LIMIT 1",
            "SELECT canal, row_number() OVER (ORDER BY nota) AS n FROM raw.visitas",
            "SELECT canal FROM raw.visitas UNION ALL SELECT 'x' AS canal",
            "SELECT a.canal FROM raw.visitas a JOIN raw.visitas b ON a.nota = b.nota",
            "SELECT canal FROM raw.visitas WHERE nota = (SELECT max(nota) FROM raw.visitas)",
            "SELECT canal FROM raw.visitas FULL JOIN raw.clientes c ON c.cliente_id = visitas.cliente_id",
            "SELECT canal FROM raw.clientes c LEFT JOIN raw.visitas v ON c.cliente_id = v.cliente_id",
            "SELECT edad FROM raw.clientes WHERE cliente_id NOT IN (SELECT cliente_id FROM raw.visitas)",
        ] {
            assert!(found(sql, Strategy::Append, &[]).await.is_some(), "{sql}");
        }
    }

    #[tokio::test]
    async fn what_stands_by_itself_partition_for_partition_follows_files() {
        for sql in [
            "SELECT canal, count(*) AS n FROM raw.visitas GROUP BY canal HAVING count(*) > 1",
            "SELECT upper(canal) AS canal, cliente_id, avg(nota) AS n FROM raw.visitas GROUP BY upper(canal), cliente_id",
            "SELECT upper(canal) AS canal, count(*) AS n FROM raw.visitas GROUP BY visitas.canal",
            "SELECT DISTINCT canal, nota FROM raw.visitas",
            "SELECT canal, nota FROM raw.visitas QUALIFY row_number() OVER (PARTITION BY canal, nota ORDER BY nota) = 1",
            "SELECT c.edad AS canal, count(*) AS n FROM raw.visitas v JOIN raw.clientes c ON c.cliente_id = v.cliente_id GROUP BY c.edad",
            "SELECT t.canal, t.n FROM (SELECT canal, cliente_id, count(*) AS n FROM raw.visitas GROUP BY canal, cliente_id) t \
             LEFT JOIN raw.clientes c ON c.cliente_id = t.cliente_id",
            "SELECT canal, count(*) AS n FROM raw.visitas GROUP BY canal UNION ALL SELECT 'x' AS canal, 1 AS n",
        ] {
            assert_eq!(found(sql, Strategy::Partition, &["canal"]).await, None, "{sql}");
        }
        for sql in [
            "SELECT max(canal) AS canal, nota FROM raw.visitas GROUP BY nota",
            "SELECT canal, nota, sum(nota) OVER (ORDER BY nota) AS s FROM raw.visitas",
            "SELECT canal, nota, sum(nota) OVER (PARTITION BY canal) AS s, sum(nota) OVER (PARTITION BY nota) AS z FROM raw.visitas",
            "SELECT c.edad AS canal, t.n FROM (SELECT cliente_id, count(*) AS n FROM raw.visitas GROUP BY cliente_id) t \
             LEFT JOIN raw.clientes c ON c.cliente_id = t.cliente_id",
            "SELECT t.canal, t.n FROM (SELECT canal, cliente_id, count(*) AS n FROM raw.visitas GROUP BY canal, cliente_id) t \
             JOIN raw.clientes c ON c.cliente_id = t.cliente_id",
            "SELECT canal, count(*) AS n FROM raw.visitas GROUP BY GROUPING SETS ((canal), ())",
            "SELECT canal, nota FROM raw.visitas LIMIT 3",
        ] {
            assert!(found(sql, Strategy::Partition, &["canal"]).await.is_some(), "{sql}");
        }
    }
}
