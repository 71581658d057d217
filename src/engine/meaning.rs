//! What a SELECT means: its plan, read from the scans up.
//!
//! Each step of the plan gets a mark for its rows and one for each of its columns. A mark is a hash of what the step does
//! and of the marks below it; names and aliases do not enter, and a step that only renames has none. Beside each mark
//! stand the columns of tables it was made from: the lineage. What this file does not know counts as made from everything
//! below it; what it cannot compare is marked with the text of the model, so that a changed text always counts.

use std::collections::BTreeSet;

use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, NullEquality, Result as EngineResult};
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::{Distinct, Expr, Join, JoinType, LogicalPlan, Volatility};

use super::functions::Pseudonym;
use super::pii::full_name;
use super::relations::Relations;
use crate::mark::mark;
use crate::model::{Meaning, MeantColumn, Model, Sources, Strategy, Trace};

/// What `model` means, given the plan of its SELECT and those of what its header computes `beside` that.
pub(super) fn meaning(model: &Model, plan: &LogicalPlan, beside: &[LogicalPlan], relations: &Relations) -> Meaning {
    let mut reader = Reader { relations, unknown: &model.fingerprint, unsteady: BTreeSet::new(), keyed: false };
    let traced = reader.plan(plan, None);
    let mut rows = traced.rows;
    if let Some(accept) = &model.header.accept {
        // Rules and keys read columns as they like: of an input that is accepted row by row, every column counts.
        rows.from.entry(accept.from.clone()).or_default().extend(relations.columns(&accept.from));
    }
    if let Some(Strategy::Merge { .. }) = model.header.incremental.as_ref().map(|incremental| &incremental.strategy) {
        // Which row of a key stays is decided by any of its columns.
        rows = joined("merged", [&rows].into_iter().chain(&traced.columns));
    }
    for plan in beside {
        // Their texts count as they are; what they depend on besides is found here.
        reader.plan(plan, None);
    }
    let names = plan.schema().fields().iter().map(|field| field.name().clone());
    let columns = names.zip(traced.columns).map(|(name, trace)| MeantColumn { name, trace }).collect();
    let (keeping, checks) = (model.header.keeping(), model.header.checking());
    let read_with = String::new();
    Meaning { rows, columns, keeping, checks, read_with, unsteady: reader.unsteady, keyed: reader.keyed }
}

/// The marks of one step.
#[derive(Debug, Clone)]
struct Traced {
    rows: Trace,
    columns: Vec<Trace>,
}

/// The step around a subquery, whose columns the subquery may name.
#[derive(Clone, Copy)]
struct Outer<'a> {
    plan: &'a LogicalPlan,
    traced: &'a Traced,
    outer: Option<&'a Self>,
}

struct Reader<'a> {
    relations: &'a Relations,
    /// Stands for what cannot be compared.
    unknown: &'a str,
    unsteady: BTreeSet<String>,
    keyed: bool,
}

impl Reader<'_> {
    fn plan(&mut self, plan: &LogicalPlan, outer: Option<&Outer<'_>>) -> Traced {
        match plan {
            LogicalPlan::TableScan(scan) => match full_name(&scan.table_name, self.relations) {
                Some(table) => {
                    let name = table.to_string();
                    let of_column = |column: &String| {
                        let from = Sources::from([(table.clone(), BTreeSet::from([column.clone()]))]);
                        Trace { mark: mark(&["column", &name, column]), from, rows_of: BTreeSet::new() }
                    };
                    let columns = scan.projected_schema.fields().iter().map(|field| of_column(field.name())).collect();
                    let rows = Trace {
                        mark: mark(&["scan", &name]),
                        from: Sources::from([(table.clone(), BTreeSet::new())]),
                        rows_of: BTreeSet::from([table]),
                    };
                    Traced { rows, columns }
                }
                None => self.anything(plan, outer),
            },
            LogicalPlan::EmptyRelation(relation) if relation.schema.fields().is_empty() => {
                let rows = mark(&["no table", &relation.produce_one_row.to_string()]);
                Traced { rows: Trace { mark: rows, ..Trace::default() }, columns: Vec::new() }
            }
            LogicalPlan::SubqueryAlias(alias) => self.plan(&alias.input, outer),
            LogicalPlan::Subquery(subquery) => self.plan(&subquery.subquery, outer),
            LogicalPlan::Projection(projection) => {
                let input = self.plan(&projection.input, outer);
                let columns = self.all(&projection.expr, &projection.input, &input, outer);
                Traced { rows: input.rows, columns }
            }
            LogicalPlan::Filter(filter) => {
                let input = self.plan(&filter.input, outer);
                let condition = self.expr(&filter.predicate, &filter.input, &input, outer);
                Traced { rows: joined("filter", [&input.rows, &condition]), ..input }
            }
            LogicalPlan::Sort(sort) => {
                let input = self.plan(&sort.input, outer);
                let mut parts = vec![input.rows.clone()];
                for key in &sort.expr {
                    let fetch = sort.fetch.map(|rows| rows.to_string()).unwrap_or_default();
                    let order = format!("sort {} {} {fetch}", key.asc, key.nulls_first);
                    parts.push(joined(&order, [&self.expr(&key.expr, &sort.input, &input, outer)]));
                }
                Traced { rows: joined("sorted", &parts), ..input }
            }
            LogicalPlan::Limit(limit) => {
                let input = self.plan(&limit.input, outer);
                let mut parts = vec![input.rows.clone()];
                for (what, expr) in [("skip", &limit.skip), ("fetch", &limit.fetch)] {
                    let count =
                        expr.iter().map(|expr| self.expr(expr, &limit.input, &input, outer)).collect::<Vec<_>>();
                    parts.push(joined(what, &count));
                }
                Traced { rows: joined("limit", &parts), ..input }
            }
            LogicalPlan::Aggregate(aggregate) => {
                let input = self.plan(&aggregate.input, outer);
                let groups = self.all(&aggregate.group_expr, &aggregate.input, &input, outer);
                let values = self.all(&aggregate.aggr_expr, &aggregate.input, &input, outer);
                let rows = joined("groups", [&input.rows].into_iter().chain(&groups));
                let own = aggregate.schema.fields().len().saturating_sub(values.len());
                let grouped: Vec<Trace> = if own == groups.len() {
                    groups
                } else {
                    // Grouping sets: their columns are told apart by their place.
                    (0..own).map(|at| joined(&format!("grouping set {at}"), &groups)).collect()
                };
                let columns = grouped.into_iter().chain(values.iter().map(|value| joined("value", [value, &rows])));
                Traced { columns: columns.collect(), rows }
            }
            LogicalPlan::Window(window) => {
                let mut input = self.plan(&window.input, outer);
                let own = self.all(&window.window_expr, &window.input, &input, outer);
                // A window looks at the rows there are at that point.
                let own: Vec<Trace> = own.iter().map(|trace| joined("window", [trace, &input.rows])).collect();
                input.columns.extend(own);
                input
            }
            LogicalPlan::Join(join) => {
                let left = self.plan(&join.left, outer).sided("left");
                let around = Outer { plan: &join.left, traced: &left, outer };
                let right = self.plan(&join.right, Some(&around)).sided("right");
                let both = Traced {
                    rows: joined("both", [&left.rows, &right.rows]),
                    columns: left.columns.iter().chain(&right.columns).cloned().collect(),
                };
                let mut parts = vec![both.rows.clone()];
                for (one, other) in &join.on {
                    parts.push(self.expr(one, &join.left, &left, outer));
                    parts.push(self.expr(other, &join.right, &right, outer));
                }
                if let Some(filter) = &join.filter {
                    parts.push(self.expr_over_both(filter, join, &left, &right, outer));
                }
                let null_is_null = join.null_equality == NullEquality::NullEqualsNull;
                let kind = format!("{} join {null_is_null}", join.join_type);
                let rows = joined(&kind, &parts);
                let columns = match join.join_type {
                    JoinType::LeftSemi | JoinType::LeftAnti => left.columns,
                    JoinType::RightSemi | JoinType::RightAnti => right.columns,
                    JoinType::LeftMark => left.columns.into_iter().chain([rows.clone()]).collect(),
                    JoinType::RightMark => right.columns.into_iter().chain([rows.clone()]).collect(),
                    _ => both.columns,
                };
                Traced { rows, columns }
            }
            LogicalPlan::Union(union) => {
                let inputs: Vec<Traced> = union.inputs.iter().map(|input| self.plan(input, outer)).collect();
                let columns = (0..union.schema.fields().len())
                    .map(|at| joined("union", inputs.iter().filter_map(|input| input.columns.get(at))))
                    .collect();
                Traced { rows: joined("union", inputs.iter().map(|input| &input.rows)), columns }
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let input = self.plan(input, outer);
                Traced { rows: joined("distinct", [&input.rows].into_iter().chain(&input.columns)), ..input }
            }
            other => self.anything(other, outer),
        }
    }

    /// A step of which only the text is compared: everything in it is made from everything below it.
    fn anything(&mut self, plan: &LogicalPlan, outer: Option<&Outer<'_>>) -> Traced {
        let inputs: Vec<Traced> = plan.inputs().into_iter().map(|input| self.plan(input, outer)).collect();
        let mut parts: Vec<&Trace> =
            inputs.iter().flat_map(|input| [&input.rows].into_iter().chain(&input.columns)).collect();
        let own: Vec<Trace> =
            plan.expressions().iter().map(|expr| self.expr_over(expr, &plan.inputs(), &inputs, outer)).collect();
        parts.extend(&own);
        let rows = joined(&format!("{} {}", self.unknown, plan.display()), parts);
        let columns = (0..plan.schema().fields().len()).map(|at| joined(&format!("column {at}"), [&rows])).collect();
        Traced { rows, columns }
    }

    fn all(&mut self, exprs: &[Expr], input: &LogicalPlan, traced: &Traced, outer: Option<&Outer<'_>>) -> Vec<Trace> {
        exprs.iter().map(|expr| self.expr(expr, input, traced, outer)).collect()
    }

    fn expr(&mut self, expr: &Expr, input: &LogicalPlan, traced: &Traced, outer: Option<&Outer<'_>>) -> Trace {
        self.expr_over(expr, &[input], std::slice::from_ref(traced), outer)
    }

    fn expr_over_both(
        &mut self,
        expr: &Expr,
        join: &Join,
        left: &Traced,
        right: &Traced,
        outer: Option<&Outer<'_>>,
    ) -> Trace {
        self.expr_over(expr, &[&join.left, &join.right], &[left.clone(), right.clone()], outer)
    }

    /// The mark of an expression, made step by step: of each step the text, with marks in the place of what it is made of.
    /// The text of a whole expression would not do, which does not show all of its parentheses.
    fn expr_over(
        &mut self,
        expr: &Expr,
        inputs: &[&LogicalPlan],
        traced: &[Traced],
        outer: Option<&Outer<'_>>,
    ) -> Trace {
        let mut found = Trace::default();
        let marked = expr.clone().transform_up(|inner| {
            let mark = self.marked(&inner, inputs, traced, outer, &mut found);
            EngineResult::Ok(Transformed::yes(Expr::Column(Column::new_unqualified(mark))))
        });
        let mark = match marked {
            Ok(Transformed { data: Expr::Column(column), .. }) => column.name,
            // Nothing else comes of it.
            _ => mark(&[self.unknown, &expr.to_string()]),
        };
        Trace { mark, ..found }
    }

    /// The mark of one step of an expression, whose operands are marked already and stand there as columns.
    fn marked(
        &mut self,
        expr: &Expr,
        inputs: &[&LogicalPlan],
        traced: &[Traced],
        outer: Option<&Outer<'_>>,
        made_from: &mut Trace,
    ) -> String {
        let below = inputs.first().zip(traced.first());
        let around = below.map(|(plan, traced)| Outer { plan, traced, outer });
        let mut inside = |reader: &mut Self, kind: &str, operand: Option<&Expr>, plan: &LogicalPlan| {
            let traced = reader.plan(plan, around.as_ref());
            let whole = joined("subquery", [&traced.rows].into_iter().chain(&traced.columns));
            made_from.made_also_from(&whole);
            let operand = operand.map(ToString::to_string).unwrap_or_default();
            mark(&["subquery", kind, &operand, &whole.mark])
        };
        match expr {
            Expr::Alias(alias) => alias.expr.to_string(),
            Expr::ScalarSubquery(query) => inside(self, "value", None, &query.subquery),
            Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                inside(self, if *negated { "not in" } else { "in" }, Some(expr), &subquery.subquery)
            }
            Expr::Exists(exists) => {
                inside(self, if exists.negated { "not exists" } else { "exists" }, None, &exists.subquery.subquery)
            }
            Expr::SetComparison(comparison) => {
                let kind = format!("{} {}", comparison.op, comparison.quantifier);
                inside(self, &kind, Some(&comparison.expr), &comparison.subquery.subquery)
            }
            Expr::Column(column) => {
                let found = inputs
                    .iter()
                    .zip(traced)
                    .find_map(|(plan, traced)| traced.columns.get(plan.schema().index_of_column(column).ok()?));
                self.in_place_of(column, found, made_from)
            }
            Expr::OuterReferenceColumn(_, column) => {
                let (depth, found) = outer.and_then(|outer| outer.find(column)).unzip();
                // The same column inside and around a subquery is not the same value.
                let around = format!("around {}", depth.unwrap_or_default());
                mark(&[&around, &self.in_place_of(column, found, made_from)])
            }
            step => {
                if let Expr::ScalarFunction(call) = step {
                    if call.func.signature().volatility != Volatility::Immutable {
                        self.unsteady.insert(call.name().to_owned());
                    }
                    self.keyed |= call.name() == Pseudonym::NAME;
                }
                mark(&["expression", &step.to_string()])
            }
        }
    }

    fn in_place_of(&self, column: &Column, found: Option<&Trace>, made_from: &mut Trace) -> String {
        match found {
            Some(trace) => {
                made_from.made_also_from(trace);
                trace.mark.clone()
            }
            None => mark(&[self.unknown, &column.to_string()]),
        }
    }
}

impl Traced {
    /// The same as one side of a join: a table that is joined with itself has each column twice.
    fn sided(self, side: &str) -> Self {
        let columns = self.columns.iter().map(|column| joined(side, [column])).collect();
        Self { rows: self.rows, columns }
    }
}

impl Outer<'_> {
    /// What the column is, and how many steps further out it stands.
    fn find(&self, column: &Column) -> Option<(usize, &Trace)> {
        match self.plan.schema().index_of_column(column) {
            Ok(index) => self.traced.columns.get(index).map(|found| (0, found)),
            Err(_) => self.outer.and_then(|outer| outer.find(column)).map(|(depth, found)| (depth + 1, found)),
        }
    }
}

/// One trace of several, in their order.
fn joined<'a>(what: &str, parts: impl IntoIterator<Item = &'a Trace>) -> Trace {
    let (mut marks, mut whole) = (vec![what], Trace::default());
    for part in parts {
        marks.push(&part.mark);
        whole.made_also_from(part);
    }
    Trace { mark: mark(&marks), ..whole }
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestEngine;
    use crate::model::{Known, Meaning, Model};

    /// What a model means.
    async fn meaning(test: &TestEngine, sql: &str) -> Meaning {
        let name = "curated.m".parse().unwrap();
        let model = Model::parse(name, "sql/curated/m.sql", sql, &Known::new(&test.catalog, [])).unwrap();
        test.engine.meaning(&model).await.unwrap_or_else(|error| panic!("{sql}: {error}")).0
    }

    /// How two texts differ in meaning.
    async fn difference(test: &TestEngine, one: &str, other: &str) -> String {
        let (one, other) = (meaning(test, one).await, meaning(test, other).await);
        let marks =
            |meaning: &Meaning| -> Vec<String> { meaning.columns.iter().map(|c| c.trace.mark.clone()).collect() };
        match (one.rows.mark == other.rows.mark, marks(&one) == marks(&other)) {
            (true, true) => "nothing",
            (true, false) => "columns",
            (false, true) => "rows",
            (false, false) => "both",
        }
        .to_owned()
    }

    #[tokio::test]
    async fn texts_that_say_the_same_mean_the_same() {
        let test = TestEngine::new();
        for (one, other, expected) in [
            ("SELECT canal FROM visitas", "select  v.canal -- todos\nfrom raw.visitas as v", "nothing"),
            (
                "WITH a AS (SELECT canal, nota FROM visitas) SELECT canal FROM a WHERE nota > 1",
                "SELECT x.c AS canal FROM (SELECT canal AS c, nota AS n FROM visitas) x WHERE x.n > 1",
                "nothing",
            ),
            ("SELECT canal, nota FROM visitas", "SELECT canal, nota + 1 AS nota FROM visitas", "columns"),
            ("SELECT canal FROM visitas", "SELECT canal FROM visitas WHERE nota > 1", "rows"),
            ("SELECT canal FROM visitas WHERE nota > 1", "SELECT canal FROM visitas WHERE nota > 2", "rows"),
            ("SELECT canal FROM visitas WHERE canal = 'a'", "SELECT canal FROM visitas WHERE canal = 'A'", "rows"),
            ("SELECT canal FROM visitas", "SELECT DISTINCT canal FROM visitas", "rows"),
            ("SELECT canal FROM visitas LIMIT 1", "SELECT canal FROM visitas LIMIT 2", "rows"),
            (
                "SELECT sum(nota) AS n FROM visitas GROUP BY canal",
                "SELECT sum(nota) AS n FROM visitas GROUP BY cliente_id",
                "both",
            ),
            ("SELECT sum(nota) AS n FROM visitas", "SELECT sum(DISTINCT nota) AS n FROM visitas", "columns"),
            (
                "SELECT a.nota FROM visitas a JOIN visitas b ON a.cliente_id = b.canal",
                "SELECT b.nota FROM visitas a JOIN visitas b ON a.cliente_id = b.canal",
                "columns",
            ),
            (
                "SELECT a.nota FROM visitas a JOIN visitas b ON a.cliente_id = b.canal",
                "SELECT a.nota FROM visitas a LEFT JOIN visitas b ON a.cliente_id = b.canal",
                "rows",
            ),
            (
                "SELECT canal FROM visitas WHERE cliente_id IN (SELECT cliente_id FROM clientes)",
                "SELECT canal FROM visitas WHERE cliente_id NOT IN (SELECT cliente_id FROM clientes)",
                "rows",
            ),
            (
                "SELECT canal FROM visitas WHERE cliente_id IN (SELECT cliente_id FROM clientes)",
                "SELECT canal FROM visitas WHERE cliente_id IN (SELECT cliente_id FROM clientes WHERE edad > 1)",
                "rows",
            ),
            (
                "SELECT canal FROM visitas v WHERE EXISTS (SELECT 1 FROM clientes c WHERE c.cliente_id = v.cliente_id)",
                "SELECT canal FROM visitas v WHERE EXISTS (SELECT 1 FROM clientes c WHERE c.cliente_id = v.canal)",
                "rows",
            ),
            (
                "SELECT lag(nota) OVER (ORDER BY canal) AS n FROM visitas",
                "SELECT lag(nota) OVER (ORDER BY canal DESC) AS n FROM visitas",
                "columns",
            ),
            (
                "SELECT CASE WHEN nota > 1 THEN 1 ELSE 0 END AS n FROM visitas",
                "SELECT CASE WHEN nota > 1 THEN 0 ELSE 1 END AS n FROM visitas",
                "columns",
            ),
            ("SELECT nota - 1 - 2 AS n FROM visitas", "SELECT nota - (1 - 2) AS n FROM visitas", "columns"),
            ("SELECT 8 / nota / 2 AS n FROM visitas", "SELECT 8 / (nota / 2) AS n FROM visitas", "columns"),
            ("SELECT 8 / nota * 2 AS n FROM visitas", "SELECT 8 / (nota * 2) AS n FROM visitas", "columns"),
            (
                "SELECT canal FROM visitas WHERE NOT (nota > 5 AND nota > 4)",
                "SELECT canal FROM visitas WHERE NOT nota > 5 AND nota > 4",
                "rows",
            ),
            (
                "SELECT canal FROM visitas WHERE (nota > 5 OR nota > 4) IS NULL",
                "SELECT canal FROM visitas WHERE nota > 5 OR (nota > 4) IS NULL",
                "rows",
            ),
            ("SELECT 'a\"), Utf8(\"b' AS n", "SELECT 'a' AS n", "columns"),
            // Inside and outside of a subquery over one table.
            (
                "SELECT canal FROM visitas l WHERE EXISTS (SELECT 1 FROM visitas r WHERE r.nota > l.nota)",
                "SELECT canal FROM visitas l WHERE EXISTS (SELECT 1 FROM visitas r WHERE l.nota > r.nota)",
                "rows",
            ),
            (
                "SELECT canal FROM visitas l WHERE EXISTS (SELECT 1 FROM visitas r WHERE r.canal = l.canal)",
                "SELECT canal FROM visitas l WHERE EXISTS (SELECT 1 FROM visitas r WHERE r.canal = r.canal)",
                "rows",
            ),
            (
                "SELECT canal FROM visitas WHERE EXISTS (SELECT edad FROM clientes)",
                "SELECT canal FROM visitas WHERE (SELECT edad FROM clientes) IS NOT NULL",
                "rows",
            ),
            ("SELECT unnest(range(1, 3)) AS n", "SELECT unnest(range(1, 4)) AS n", "both"),
            ("SELECT value AS n FROM generate_series(1, 3)", "SELECT value AS n FROM generate_series(1, 4)", "both"),
        ] {
            assert_eq!(difference(&test, one, other).await, expected, "{one}\n{other}");
        }
    }

    #[tokio::test]
    async fn a_column_knows_what_it_is_made_from() {
        let test = TestEngine::new();
        let meaning = meaning(
            &test,
            "WITH por_cliente AS (SELECT cliente_id, avg(nota) AS media FROM visitas WHERE canal <> 'x' GROUP BY cliente_id)
             SELECT c.edad, round(p.media, 1) AS media, (SELECT max(nota) FROM visitas) AS techo, current_date AS hoy,
                    pseudonym(c.cliente_id) AS cliente
             FROM clientes c JOIN por_cliente p ON c.cliente_id = p.cliente_id",
        )
        .await;
        let from = |name: &str| {
            let trace = meaning.column(name).unwrap();
            let told = trace.from.iter().map(|(table, columns)| {
                format!("{}({})", table.name, columns.iter().cloned().collect::<Vec<_>>().join(" "))
            });
            told.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(from("edad"), "clientes(edad)");
        assert_eq!(from("techo"), "visitas(nota)");
        assert_eq!(from("hoy"), "");
        // Which rows are averaged decides the average.
        assert_eq!(from("media"), "visitas(canal cliente_id nota)");
        let rows: Vec<String> = meaning.rows.from.values().flatten().cloned().collect();
        assert_eq!(rows, ["cliente_id", "canal", "cliente_id"]);
        let looks_at = |name: &str| {
            let tables = meaning.column(name).unwrap().rows_of.iter();
            tables.map(|table| table.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(["edad", "techo", "media"].map(looks_at), ["", "visitas", "visitas"]);
        assert_eq!(meaning.rows.rows_of.len(), 2);
        assert_eq!(meaning.unsteady.iter().next().map(String::as_str), Some("current_date"));
        assert!(meaning.keyed);
    }
}
