//! Of the rows with equal keys one stays.
//!
//! Repeated keys are rare, so little is done for the others: every row waits, in memory or in a temporary file, while its
//! key is looked up among those seen. Only rows whose keys were seen twice are taken out and sorted, and when the last
//! row has come the rows that lose are left out. The keys themselves stay in memory, where they count against its limit.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::compute::{SortOptions, concat_batches, filter, filter_record_batch, is_not_null, take_record_batch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use arrow::util::display::array_value_to_string;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result as EngineResult};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, SpillFile, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, SpillMetrics};
use datafusion::physical_plan::spill::get_record_batch_memory_size;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties, SpillManager,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::rows::{Rows, Why};
use crate::ledger::Reading;
use crate::model::DEDUPLICATE;

/// Which rows are alike, and which of them stays.
#[derive(Debug)]
pub(super) struct Keys {
    /// Positions of the key's columns.
    pub(super) key: Vec<usize>,
    /// What is compared, and how; after that, rows stand in the order of their files or of all their columns.
    pub(super) keep: Vec<(Arc<dyn PhysicalExpr>, SortOptions)>,
    pub(super) rows: Rows,
}

/// Hands on one of the rows with equal keys, and all whose key is not whole.
#[derive(Debug)]
pub(super) struct DeduplicateExec {
    input: Arc<dyn ExecutionPlan>,
    keys: Arc<Keys>,
    reading: Arc<Reading>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl DeduplicateExec {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, keys: Arc<Keys>, reading: Arc<Reading>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { input, keys, reading, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl DisplayAs for DeduplicateExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "DeduplicateExec: model={}, key=[{}]",
            self.reading.origin(),
            self.keys.names(&self.schema()).join(", ")
        )
    }
}

impl ExecutionPlan for DeduplicateExec {
    fn name(&self) -> &'static str {
        "DeduplicateExec"
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

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> EngineResult<TreeNodeRecursion>,
    ) -> EngineResult<TreeNodeRecursion> {
        let mut go_on = TreeNodeRecursion::Continue;
        for (expression, _) in &self.keys.keep {
            go_on = go_on.visit_sibling(|| f(expression))?;
        }
        Ok(go_on)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let one = || DataFusionError::Internal("DeduplicateExec has one input".to_owned());
        let input = children.pop().ok_or_else(one)?;
        Ok(Arc::new(Self::new(input, Arc::clone(&self.keys), Arc::clone(&self.reading))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> EngineResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let schema = self.schema();
        let waiting = Waiting::new(&context, &schema, &SpillMetrics::new(&self.metrics, partition));
        let seen = Seen::new(&context, &schema, Arc::clone(&self.keys))?;
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let reading = Arc::clone(&self.reading);
        let kept = stream::once(deduplicate(input, seen, waiting, reading, baseline)).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, kept)))
    }
}

/// Reads all of `input`, then hands on the rows that stay.
async fn deduplicate(
    mut input: SendableRecordBatchStream,
    mut seen: Seen,
    mut waiting: Waiting,
    reading: Arc<Reading>,
    baseline: BaselineMetrics,
) -> EngineResult<SendableRecordBatchStream> {
    let schema = input.schema();
    while let Some(batch) = input.next().await.transpose()? {
        let _busy = baseline.elapsed_compute().timer();
        seen.look_at(&batch)?;
        if seen.reserve().is_err() {
            // Rows can wait elsewhere, keys cannot.
            waiting.put_down()?;
            seen.reserve()?;
        }
        waiting.push(batch)?;
    }
    drop(input);
    let alike = std::mem::take(&mut seen.repeats);
    let firsts = std::mem::take(&mut seen.firsts);
    let keys = Arc::clone(&seen.keys);
    // From here on the keys are not needed any more.
    drop(seen);
    let waiting = Arc::new(waiting);
    let losers =
        if alike.is_empty() { HashSet::new() } else { lose(&waiting, &keys, &firsts, &alike, &reading).await? };
    reading.ended();
    let mut row = 0_u64;
    let kept = Waiting::rows(&waiting)?.map(move |batch| {
        let batch = batch?;
        let _busy = baseline.elapsed_compute().timer();
        let numbers = row..row + batch.num_rows() as u64;
        row = numbers.end;
        let batch = if numbers.clone().any(|number| losers.contains(&number)) {
            let stays: BooleanArray = numbers.map(|number| Some(!losers.contains(&number))).collect();
            filter_record_batch(&batch, &stays)?
        } else {
            batch
        };
        baseline.record_output(batch.num_rows());
        Ok(batch)
    });
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, kept)))
}

/// Decides for each key that was seen twice which row stays, and returns the numbers of the others.
async fn lose(
    waiting: &Arc<Waiting>,
    keys: &Keys,
    firsts: &[u64],
    repeats: &[(usize, u64)],
    reading: &Reading,
) -> EngineResult<HashSet<u64>> {
    let mut candidates: BTreeMap<u64, usize> = repeats.iter().map(|(key, row)| (*row, *key)).collect();
    candidates.extend(repeats.iter().map(|(key, _)| (firsts[*key], *key)));
    let (rows, groups, numbers) = take_out(waiting, &candidates).await?;
    let order = keys.order(&rows, &groups)?;
    let mut losers = HashSet::with_capacity(repeats.len());
    let mut why = Vec::with_capacity(repeats.len());
    let mut left_out = Vec::with_capacity(repeats.len());
    let names = keys.names(rows.schema_ref());
    let mut winner = None;
    for row in order {
        let row_at = usize::try_from(row).unwrap_or(usize::MAX);
        match winner.filter(|winner| groups[*winner] == groups[row_at]) {
            None => winner = Some(row_at),
            Some(winner) => {
                losers.insert(numbers[row_at]);
                left_out.push(row);
                why.push(keys.because(&names, &rows, row_at, winner)?);
            }
        }
    }
    let left_out = take_record_batch(&rows, &UInt32Array::from(left_out))?;
    let entries = keys.rows.entries(&left_out, why)?;
    reading.deduplicate(entries).map_err(|error| DataFusionError::External(Box::new(error)))?;
    Ok(losers)
}

/// The rows with the numbers of `candidates` in one batch, each with its key and number.
async fn take_out(
    waiting: &Arc<Waiting>,
    candidates: &BTreeMap<u64, usize>,
) -> EngineResult<(RecordBatch, Vec<usize>, Vec<u64>)> {
    let mut parts = Vec::new();
    let (mut groups, mut numbers) = (Vec::with_capacity(candidates.len()), Vec::with_capacity(candidates.len()));
    let mut all = Waiting::rows(waiting)?;
    let reservation = waiting.reservation.new_empty();
    let mut start = 0_u64;
    while let Some(batch) = all.next().await.transpose()? {
        let end = start + batch.num_rows() as u64;
        let inside = candidates.range(start..end);
        let at: Vec<u64> = inside.clone().map(|(number, _)| number - start).collect();
        if !at.is_empty() {
            groups.extend(inside.clone().map(|(_, group)| *group));
            numbers.extend(inside.map(|(number, _)| *number));
            let part = take_record_batch(&batch, &UInt64Array::from(at))?;
            reservation.try_grow(get_record_batch_memory_size(&part))?;
            parts.push(part);
        }
        start = end;
    }
    Ok((concat_batches(&waiting.schema, &parts)?, groups, numbers))
}

impl Keys {
    fn names(&self, schema: &SchemaRef) -> Vec<String> {
        self.key.iter().map(|column| schema.field(*column).name().clone()).collect()
    }

    /// The rows by key, and those of one key with the one that stays first.
    fn order(&self, rows: &RecordBatch, groups: &[usize]) -> EngineResult<Vec<u32>> {
        let groups: ArrayRef = Arc::new(groups.iter().map(|group| *group as u64).collect::<UInt64Array>());
        let mut columns = vec![(groups, SortOptions::default())];
        for (expression, options) in &self.keep {
            columns.push((expression.evaluate(rows)?.into_array(rows.num_rows())?, *options));
        }
        let rest = self.rows.position().map_or_else(|| (0..self.rows.columns()).collect(), |at| at.to_vec());
        columns.extend(rest.into_iter().map(|column| (Arc::clone(rows.column(column)), SortOptions::default())));
        let fields =
            columns.iter().map(|(array, options)| SortField::new_with_options(array.data_type().clone(), *options));
        let converter = RowConverter::new(fields.collect())?;
        let arrays: Vec<ArrayRef> = columns.into_iter().map(|(array, _)| array).collect();
        let compared = converter.convert_columns(&arrays)?;
        let mut order: Vec<u32> = (0..u32::try_from(rows.num_rows()).unwrap_or(u32::MAX)).collect();
        let at = |row: &u32| usize::try_from(*row).unwrap_or(usize::MAX);
        order.sort_by(|a, b| compared.row(at(a)).cmp(&compared.row(at(b))));
        Ok(order)
    }

    fn because(&self, names: &[String], rows: &RecordBatch, row: usize, winner: usize) -> EngineResult<Why> {
        let mut values = Vec::with_capacity(self.key.len());
        for column in &self.key {
            values.push(array_value_to_string(rows.column(*column), row)?);
        }
        let key: Vec<String> = names.iter().zip(&values).map(|(name, value)| format!("{name} {value}")).collect();
        let stays = self.rows.place(rows, winner)?.map(|place| format!("; {place} stays")).unwrap_or_default();
        Ok(Why {
            rule: DEDUPLICATE.to_owned(),
            column: (names.len() == 1).then(|| names[0].clone()),
            value: (values.len() == 1).then(|| values[0].clone()),
            message: format!("another row has {}{stays}", key.join(", ")),
        })
    }
}

/// The keys seen so far.
struct Seen {
    keys: Arc<Keys>,
    values: Box<dyn GroupValues>,
    /// For each key the number of the row that showed it first.
    firsts: Vec<u64>,
    /// Keys that were seen again, with the number of the row.
    repeats: Vec<(usize, u64)>,
    /// Rows seen so far.
    rows: u64,
    found: Vec<usize>,
    reservation: MemoryReservation,
}

impl Seen {
    fn new(context: &TaskContext, schema: &SchemaRef, keys: Arc<Keys>) -> EngineResult<Self> {
        let fields: Vec<Field> = keys.key.iter().map(|column| schema.field(*column).clone()).collect();
        let values = new_group_values(Arc::new(Schema::new(fields)), &GroupOrdering::None)?;
        let reservation = MemoryConsumer::new("keys of deduplicate").register(context.memory_pool());
        Ok(Self { keys, values, firsts: Vec::new(), repeats: Vec::new(), rows: 0, found: Vec::new(), reservation })
    }

    fn look_at(&mut self, batch: &RecordBatch) -> EngineResult<()> {
        let mut columns: Vec<ArrayRef> = self.keys.key.iter().map(|column| Arc::clone(batch.column(*column))).collect();
        // A key that is not whole is like no other.
        let whole = whole_rows(&columns)?;
        if let Some(whole) = &whole {
            for column in &mut columns {
                *column = filter(column, whole)?;
            }
        }
        self.found.clear();
        self.values.intern(&columns, &mut self.found)?;
        let all = 0..batch.num_rows() as u64;
        let mut numbers = all
            .filter(|row| whole.as_ref().is_none_or(|whole| whole.value(usize::try_from(*row).unwrap_or(usize::MAX))));
        for key in &self.found {
            let Some(row) = numbers.next() else { break };
            let number = self.rows + row;
            if *key == self.firsts.len() {
                self.firsts.push(number);
            } else {
                self.repeats.push((*key, number));
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Counts what the keys take against the limit of memory.
    fn reserve(&self) -> EngineResult<()> {
        let bytes = self.values.size()
            + self.firsts.capacity() * size_of::<u64>()
            + self.repeats.capacity() * size_of::<(usize, u64)>();
        self.reservation.try_resize(bytes)
    }
}

/// Where all columns have a value; `None` if they all do everywhere.
fn whole_rows(columns: &[ArrayRef]) -> EngineResult<Option<BooleanArray>> {
    let mut whole: Option<BooleanArray> = None;
    for column in columns.iter().filter(|column| column.null_count() > 0) {
        let known = is_not_null(column)?;
        whole = Some(match whole {
            Some(before) => arrow::compute::and(&before, &known)?,
            None => known,
        });
    }
    Ok(whole)
}

/// Rows that wait for the last one, in their order: the first in temporary files, if memory was short, the rest in
/// memory.
struct Waiting {
    schema: SchemaRef,
    spills: SpillManager,
    files: Vec<Arc<dyn SpillFile>>,
    batches: Vec<RecordBatch>,
    reservation: MemoryReservation,
}

impl Waiting {
    fn new(context: &TaskContext, schema: &SchemaRef, metrics: &SpillMetrics) -> Self {
        let compression = context.session_config().options().execution.spill_compression;
        let spills = SpillManager::new(context.runtime_env(), metrics.clone(), Arc::clone(schema))
            .with_compression_type(compression);
        let consumer = MemoryConsumer::new("rows of deduplicate").with_can_spill(true);
        let reservation = consumer.register(context.memory_pool());
        Self { schema: Arc::clone(schema), spills, files: Vec::new(), batches: Vec::new(), reservation }
    }

    fn push(&mut self, batch: RecordBatch) -> EngineResult<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let bytes = get_record_batch_memory_size(&batch);
        self.batches.push(batch);
        if self.reservation.try_grow(bytes).is_err() { self.put_down() } else { Ok(()) }
    }

    /// Moves the rows in memory to a file of their own.
    fn put_down(&mut self) -> EngineResult<()> {
        let batches = std::mem::take(&mut self.batches);
        self.files.extend(self.spills.spill_record_batch_and_finish(&batches, "rows of deduplicate")?);
        self.reservation.free();
        Ok(())
    }

    /// All rows in their order; they can be read again.
    fn rows(this: &Arc<Self>) -> EngineResult<SendableRecordBatchStream> {
        let mut parts = Vec::new();
        for file in &this.files {
            parts.push(this.spills.read_spill_as_stream(Arc::clone(file), None)?);
        }
        let held = Arc::clone(this);
        let in_memory = stream::iter(0..held.batches.len()).map(move |index| Ok(held.batches[index].clone()));
        parts.push(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&this.schema), in_memory)));
        let all = stream::iter(parts).flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&this.schema), all)))
    }
}
