//! Columns in which no two rows have the same value: the first row in the files stays, later ones are rejects.
//!
//! The files of such a dataset are read one after the other, each row's values are looked up among those seen, and the
//! rows go on at once. Values seen stay in memory, where they count against its limit. All columns are read, so that a
//! reject can show its row: as JSON, for its text has been read and is gone.
//!
//! Rows that somebody corrected come last, when all others have been seen: no correction takes the place of a row.

mod held;
mod seen;
mod state;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, PhysicalExpr, PlanProperties, SendableRecordBatchStream,
};
use futures::stream::{self, StreamExt};

pub(super) use self::held::HeldAccounts;
use self::seen::Seen;
use self::state::State;
use crate::catalog::Dataset;
use crate::error::Error;

/// Hands on the rows whose values in the unique columns no earlier row has.
#[derive(Debug)]
pub(super) struct UniqueExec {
    input: Arc<dyn ExecutionPlan>,
    /// The dataset, with columns that say where a row stands.
    dataset: Arc<Dataset>,
    /// Positions of the unique columns.
    columns: Vec<usize>,
    /// Where the columns stand that name the file and line of a row; the columns before them are the dataset's own.
    file: usize,
    line: usize,
    accounts: Arc<HeldAccounts>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl UniqueExec {
    /// The rows of `input`, which reads all files in one partition, in their order, with `accounts` as its policy.
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        dataset: Arc<Dataset>,
        columns: Vec<usize>,
        [file, line]: [usize; 2],
        accounts: Arc<HeldAccounts>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            input.properties().output_partitioning().clone(),
            input.properties().emission_type,
            input.properties().boundedness,
        );
        let (properties, metrics) = (Arc::new(properties), ExecutionPlanMetricsSet::new());
        Self { input, dataset, columns, file, line, accounts, properties, metrics }
    }
}

impl DisplayAs for UniqueExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.input.schema();
        let names: Vec<&str> = self.columns.iter().map(|column| schema.field(*column).name().as_str()).collect();
        write!(f, "UniqueExec: columns=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for UniqueExec {
    fn name(&self) -> &'static str {
        "UniqueExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    /// It does but for corrected rows; and whoever sorted the rows below it would decide which one stays.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> EngineResult<TreeNodeRecursion>,
    ) -> EngineResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| DataFusionError::Internal("UniqueExec has one input".to_owned()))?;
        let places = [self.file, self.line];
        Ok(Arc::new(Self::new(
            input,
            Arc::clone(&self.dataset),
            self.columns.clone(),
            places,
            Arc::clone(&self.accounts),
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> EngineResult<SendableRecordBatchStream> {
        let batches = self.input.execute(partition, Arc::clone(&context))?;
        let schema = self.input.schema();
        let seen = self.columns.iter().map(|column| Seen::new(*column, schema.field(*column), &context));
        let state = State {
            dataset: Arc::clone(&self.dataset),
            schema: Arc::clone(&schema),
            seen: seen.collect::<EngineResult<_>>()?,
            repeated: BTreeMap::new(),
            replayed: BTreeMap::new(),
            corrected: Vec::new(),
            places: [self.file, self.line],
            accounts: Arc::clone(&self.accounts),
            baseline: BaselineMetrics::new(&self.metrics, partition),
        };
        let kept = stream::try_unfold((Some(batches), state), |(batches, mut state)| async move {
            let Some(mut batches) = batches else { return Ok(None) };
            match batches.next().await.transpose()? {
                Some(batch) => Ok(Some((state.keep(&batch)?, (Some(batches), state)))),
                None => {
                    let corrected = state.keep_corrected()?;
                    state.accounts.release(&state.repeated, &state.replayed).map_err(external)?;
                    Ok(corrected.map(|rows| (rows, (None, state))))
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, kept)))
    }
}

fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, RecordBatch};
    use arrow::datatypes::Int64Type;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::prelude::{SessionConfig, SessionContext};
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::Dataset;
    use crate::ingest::fault::{Account, Faults};
    use crate::ingest::table::DatasetTable;
    use crate::ingest::testing::{Correcting, KeepAll, dataset, files};

    fn unique(columns: &str, unique: &[usize]) -> Dataset {
        let mut dataset = dataset(columns);
        for column in unique {
            dataset.columns[*column].rules.unique = true;
        }
        dataset
    }

    async fn ask(
        dataset: &Dataset,
        texts: &[(&str, &[u8])],
        sql: &str,
        memory: usize,
    ) -> EngineResult<(Vec<RecordBatch>, Arc<KeepAll>)> {
        let keep = Arc::new(KeepAll::default());
        Ok((ask_with(dataset, texts, sql, memory, Arc::<KeepAll>::clone(&keep)).await?, keep))
    }

    async fn ask_with(
        dataset: &Dataset,
        texts: &[(&str, &[u8])],
        sql: &str,
        memory: usize,
        faults: Arc<dyn Faults>,
    ) -> EngineResult<Vec<RecordBatch>> {
        let table = DatasetTable::new(dataset, files(texts).await).with_faults(faults);
        let config = SessionConfig::new().with_target_partitions(3).with_batch_size(7);
        let runtime = RuntimeEnvBuilder::new().with_memory_limit(memory, 1.0).build_arc()?;
        let context = SessionContext::new_with_config_rt(config, runtime);
        context.register_table("d", Arc::new(table))?;
        context.sql(sql).await?.collect().await
    }

    const ENOUGH: usize = 64 << 20;

    #[tokio::test]
    async fn the_first_row_in_the_files_stays_and_the_others_say_why() {
        let dataset = unique("id string; n int; monto decimal", &[0, 1]);
        let one = b"id,n,monto\na,1,1\n\"b\n\",2,1\na,3,2\n,4,1\n,x,1\n";
        let two = b"n,id,monto\n5,a,1\n2,a,1\n,c,1\n,d,1\n1,e,x\n";
        let texts: [(&str, &[u8]); 2] = [("1.csv", one), ("2.csv", two)];
        for sql in [
            "SELECT * FROM d",
            "SELECT monto FROM d",
            "SELECT count(*) FROM d",
            "SELECT * FROM d ORDER BY n DESC, monto DESC",
        ] {
            let (_, keep) = ask(&dataset, &texts, sql, ENOUGH).await.unwrap();
            let told = keep
                .rejects()
                .into_iter()
                .map(|reject| format!("{}:{} {} {}", reject.file, reject.line, reject.message(), reject.raw));
            let mut told: Vec<String> = told.collect();
            told.sort();
            assert_eq!(
                told,
                [
                    r#"1.csv:5 id: "a" stands in an earlier row {"id":"a","n":3,"monto":2.00}"#,
                    r#"1.csv:7 n: "x" is not an int ,x,1"#,
                    r#"2.csv:2 id: "a" stands in an earlier row {"id":"a","n":5,"monto":1.00}"#,
                    r#"2.csv:3 id: "a" stands in an earlier row; n: "2" stands in an earlier row {"id":"a","n":2,"monto":1.00}"#,
                    r#"2.csv:6 monto: "x" is not a decimal(10,2) 1,e,x"#,
                ],
                "{sql}"
            );
            let account = |records, rows| Account { records, rows, rejected: records - rows, ..Account::default() };
            let mut accounts = keep.accounts();
            accounts.sort_by_key(|account| account.rows);
            assert_eq!(accounts, [account(5, 2), account(5, 3)]);
        }
        let (rows, _) = ask(&dataset, &texts, "SELECT id, n FROM d LIMIT 2", ENOUGH).await.unwrap();
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    }

    #[tokio::test]
    async fn values_count_against_the_limit_of_memory() {
        let dataset = unique("id string", &[0]);
        let text = (0..200_000).fold("id\n".to_owned(), |text, n| text + &format!("cliente_número_{n}\n"));
        let failure =
            ask(&dataset, &[("1.csv", text.as_bytes())], "SELECT count(*) FROM d", 1 << 20).await.unwrap_err();
        assert!(failure.to_string().contains("values of the unique column id"), "{failure}");
    }

    #[tokio::test]
    async fn a_correction_takes_the_place_of_no_row() {
        let dataset = unique("id int; dia date", &[0]);
        let mut shaped = dataset.clone();
        shaped.columns[1].rules.formats = vec!["%d/%m/%Y".to_owned()];
        let text = b"id,dia\n1,31/12/2024\n1,1/1/2024\n1,2/1/2024\n1,3/1/2024\n1,4/1/2024\n3,5/1/2024\n";
        let of = |day: u8| format!(r#"{{"id":1,"dia":"2024-01-0{day}"}}"#);
        let new = |id: &str, day: u8| format!(r#"{{"id": {id}, "dia": "2024-01-0{day}"}}"#);
        // The second is a row of its own; the others repeat a later row and a correction, or are none at all.
        let texts = [(of(1), new("3", 1)), (of(2), new("2", 2)), (of(3), new("2", 3)), (of(4), new("\"x\"", 4))];
        let faults = Arc::new(Correcting { texts: texts.into(), ..Correcting::default() });
        let faults_of = Arc::<Correcting>::clone(&faults);
        let rows =
            ask_with(&shaped, &[("1.csv", text)], "SELECT * FROM d ORDER BY id", ENOUGH, faults_of).await.unwrap();
        let shown = arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string();
        insta::assert_snapshot!(shown, @"
        +----+------------+
        | id | dia        |
        +----+------------+
        | 1  | 2024-12-31 |
        | 2  | 2024-01-02 |
        | 3  | 2024-01-05 |
        +----+------------+
        ");
        let rejects = faults.kept.rejects();
        let told: Vec<String> = rejects.iter().map(|reject| format!("{} {}", reject.line, reject.message())).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        3 id: "1" stands in an earlier row; its correction is no row either: id: "3" stands in another row
        5 id: "1" stands in an earlier row; its correction is no row either: id: "2" stands in another row
        6 id: "1" stands in an earlier row; its correction is no row either: id: "x" is not an int
        "#);
        assert_eq!(faults.kept.accounts(), [Account { records: 6, rows: 3, rejected: 3, replayed: 1 }]);
    }

    proptest! {
        #[test]
        fn corrected_rows_are_rows_if_their_values_are_their_own(
            values in prop::collection::vec((0_u8..9, prop::option::of(0_u8..30)), 0..60),
        ) {
            let text = values.iter().enumerate().fold("v,x\n".to_owned(), |text, (row, (v, _))| text + &format!("{v},{row}\n"));
            let object = |v: u8, row: usize| format!(r#"{{"v":{v},"x":{row}}}"#);
            let corrected = values.iter().enumerate().filter_map(|(row, (v, new))| Some((object(*v, row), object((*new)?, row))));
            let faults = Arc::new(Correcting { texts: corrected.collect(), ..Correcting::default() });
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
            let (dataset, texts) = (unique("v int; x int", &[0]), [("1.csv", text.as_bytes())]);
            let asked = ask_with(&dataset, &texts, "SELECT v FROM d", ENOUGH, Arc::<Correcting>::clone(&faults));
            let rows = runtime.block_on(asked).unwrap();
            let kept: Vec<i64> =
                rows.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
            let mut seen = std::collections::HashSet::new();
            let mut expected: Vec<i64> = Vec::new();
            let mut waiting = Vec::new();
            for (v, new) in &values {
                if seen.insert(*v) { expected.push((*v).into()) } else { waiting.extend(*new) }
            }
            let first = expected.len();
            expected.extend(waiting.into_iter().filter(|new| seen.insert(*new)).map(i64::from));
            prop_assert_eq!(&kept, &expected);
            let rejected = (values.len() - expected.len()) as u64;
            prop_assert_eq!(faults.kept.rejects().len() as u64, rejected);
            let (records, rows, replayed) = (values.len() as u64, expected.len() as u64, (expected.len() - first) as u64);
            let account = Account { records, rows, rejected, replayed };
            prop_assert_eq!(faults.kept.accounts(), [account]);
        }

        #[test]
        fn each_value_stands_in_one_row(values in prop::collection::vec(prop::option::of(0_u8..20), 0..80)) {
            let shown = |value: &Option<u8>| value.map(|value| value.to_string()).unwrap_or_default();
            let text = values.iter().fold("v,x\n".to_owned(), |text, value| text + &format!("{},\n", shown(value)));
            let dataset = unique("v int; x string", &[0]);
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
            let texts: [(&str, &[u8]); 1] = [("1.csv", text.as_bytes())];
            let asked = ask(&dataset, &texts, "SELECT v FROM d", ENOUGH);
            let (rows, keep) = runtime.block_on(asked).unwrap();
            let kept: Vec<Option<i64>> =
                rows.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter()).collect();
            let mut seen = std::collections::HashSet::new();
            let expected = values.iter().filter(|value| value.is_none() || seen.insert(**value));
            let expected: Vec<Option<i64>> = expected.map(|value| value.map(i64::from)).collect();
            prop_assert_eq!(keep.rejects().len(), values.len() - expected.len());
            prop_assert_eq!(kept, expected);
        }
    }
}
