//! Reading a dataset as a step of a physical plan.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::Statistics;
use datafusion::common::internal_err;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties, SendableRecordBatchStream,
};
use futures::stream::{self, BoxStream, Stream, StreamExt};

use super::arrow_file::ArrowReader;
use super::csv::Csv;
use super::fault::{Faults, StopAtFirst};
use super::json::Json;
use super::parquet::ParquetReader;
use super::reader::{Reader, Scan};
use super::text_file::{TextFormat, TextReader};
use crate::catalog::{Dataset, Format};
use crate::error::Kind;
use crate::store::InputFile;

/// Reads the files of a dataset, some files a partition, each file from its beginning to its end.
#[derive(Debug)]
pub struct IngestExec {
    dataset: Arc<Dataset>,
    /// The files of each partition.
    partitions: Vec<Vec<InputFile>>,
    projection: Vec<usize>,
    limit: Option<usize>,
    schema: SchemaRef,
    reader: Arc<dyn Reader>,
    faults: Arc<dyn Faults>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl IngestExec {
    /// Reads `projection` (positions in the schema of `dataset`) of `files` in at most `partitions` partitions, and no
    /// more than `limit` rows in each.
    pub fn try_new(
        dataset: Arc<Dataset>,
        files: Vec<InputFile>,
        projection: Vec<usize>,
        limit: Option<usize>,
        partitions: usize,
    ) -> Result<Self> {
        let schema = SchemaRef::new(dataset.schema().project(&projection)?);
        let partitions = share_out(files, partitions);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        let reader: Arc<dyn Reader> = match text_format(&dataset.format) {
            Some(format) => Arc::new(TextReader::new(format)),
            None if dataset.format == Format::Arrow => Arc::new(ArrowReader),
            None => Arc::new(ParquetReader),
        };
        Ok(Self {
            dataset,
            partitions,
            projection,
            limit,
            schema,
            reader,
            faults: Arc::new(StopAtFirst),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    /// The same plan, whose rejects go to `faults`.
    #[must_use]
    pub fn with_faults(mut self, faults: Arc<dyn Faults>) -> Self {
        self.faults = faults;
        self
    }

    /// The dataset that is read.
    #[must_use]
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    fn bytes(&self, partition: Option<usize>) -> u64 {
        let sizes = |files: &[InputFile]| files.iter().map(|file| file.meta.size).sum::<u64>();
        match partition {
            Some(partition) => self.partitions.get(partition).map_or(0, |files| sizes(files)),
            None => self.partitions.iter().map(|files| sizes(files)).sum(),
        }
    }
}

/// What is special about a format of text.
pub(super) fn text_format(format: &Format) -> Option<Arc<dyn TextFormat>> {
    match format {
        Format::Csv(options) => Some(Arc::new(Csv::new(options.clone()))),
        Format::Json => Some(Arc::new(Json::new(false))),
        Format::JsonLines => Some(Arc::new(Json::new(true))),
        Format::Parquet | Format::Arrow => None,
    }
}

/// Shares `files` out into at most `partitions` parts of nearly equal size, each in the order of `files`. There is
/// always a part, be it empty.
fn share_out(files: Vec<InputFile>, partitions: usize) -> Vec<Vec<InputFile>> {
    let mut parts: Vec<(u64, Vec<(usize, InputFile)>)> = Vec::new();
    parts.resize_with(partitions.min(files.len()).max(1), Default::default);
    let mut largest_first: Vec<(usize, InputFile)> = files.into_iter().enumerate().collect();
    largest_first.sort_by_key(|(_, file)| std::cmp::Reverse(file.meta.size));
    for (index, file) in largest_first {
        if let Some((bytes, part)) = parts.iter_mut().min_by_key(|(bytes, part)| (*bytes, part.len())) {
            *bytes += file.meta.size;
            part.push((index, file));
        }
    }
    let in_order = |(_, mut part): (u64, Vec<(usize, InputFile)>)| {
        part.sort_unstable_by_key(|(index, _)| *index);
        part.into_iter().map(|(_, file)| file).collect()
    };
    parts.into_iter().map(in_order).collect()
}

impl DisplayAs for IngestExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let files: usize = self.partitions.iter().map(Vec::len).sum();
        write!(f, "IngestExec: dataset={}, files={files}, columns=[{}]", self.dataset.name, columns.join(", "))?;
        match self.limit {
            Some(limit) => write!(f, ", limit={limit}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for IngestExec {
    fn name(&self) -> &'static str {
        "IngestExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &datafusion::physical_plan::statistics::StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema);
        let bytes = usize::try_from(self.bytes(args.partition())).unwrap_or(usize::MAX);
        statistics.total_byte_size = Precision::Inexact(bytes);
        Ok(Arc::new(statistics))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(files) = self.partitions.get(partition) else {
            return internal_err!("dataset {} has no partition {partition}", self.dataset.name);
        };
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let scan = Arc::new(Scan {
            dataset: Arc::clone(&self.dataset),
            projection: self.projection.clone(),
            schema: Arc::clone(&self.schema),
            batch_rows: context.session_config().batch_size().max(1),
            limit: self.limit,
            tasks: (context.session_config().target_partitions() / self.partitions.len()).max(1),
            faults: Arc::clone(&self.faults),
            bytes_read: MetricBuilder::new(&self.metrics).counter("bytes_read", partition),
            busy: baseline.elapsed_compute().clone(),
        });
        let reader = Arc::clone(&self.reader);
        let batches = stream::iter(files.clone())
            .flat_map(move |file| {
                let name = file.name.clone();
                up_to_damage(name, reader.read(file, Arc::clone(&scan)), Arc::clone(&scan.faults))
            })
            .map(move |batch| match batch {
                Ok(batch) => {
                    baseline.record_output(batch.num_rows());
                    Ok(batch)
                }
                Err(error) => Err(DataFusionError::External(Box::new(error))),
            })
            .boxed();
        let batches = up_to(batches, self.limit);
        let stream = RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches);
        Ok(make_cooperative(Box::pin(stream)))
    }
}

/// The `batches` of `file`, up to where it is damaged if the policy goes on without the rest.
fn up_to_damage(
    file: String,
    batches: BoxStream<'static, crate::error::Result<RecordBatch>>,
    faults: Arc<dyn Faults>,
) -> impl Stream<Item = crate::error::Result<RecordBatch>> + Send {
    batches.filter_map(move |batch| {
        let batch = match batch {
            Err(failure) if failure.kind() == Kind::Damaged => faults.damaged(&file, failure).err().map(Err),
            batch => Some(batch),
        };
        std::future::ready(batch)
    })
}

/// `batches` up to the row number `limit`, and up to the first error.
fn up_to(
    batches: BoxStream<'static, Result<RecordBatch>>,
    limit: Option<usize>,
) -> BoxStream<'static, Result<RecordBatch>> {
    let wanted = limit.unwrap_or(usize::MAX);
    stream::try_unfold((batches, wanted), |(mut batches, wanted)| async move {
        if wanted == 0 {
            return Ok(None);
        }
        let Some(batch) = batches.next().await.transpose()? else { return Ok(None) };
        let batch = batch.slice(0, batch.num_rows().min(wanted));
        let rows = batch.num_rows();
        Ok(Some((batch, (batches, wanted - rows))))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use datafusion::common::assert_contains;
    use datafusion::physical_plan::{collect, displayable};
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::super::table::DatasetTable;
    use super::super::testing::{dataset, files};
    use super::*;

    #[tokio::test]
    async fn files_are_shared_out_by_size_and_stay_in_order() {
        let contents: Vec<Vec<u8>> = [5, 1, 9, 1, 4].map(|size| vec![b'x'; size]).to_vec();
        let named: Vec<(&str, &[u8])> =
            ["a", "b", "c", "d", "e"].into_iter().zip(contents.iter().map(Vec::as_slice)).collect();
        let files = files(&named).await;
        let shared = |partitions| -> Vec<String> {
            let parts = share_out(files.clone(), partitions);
            parts.iter().map(|part| part.iter().map(|file| file.name.as_str()).collect()).collect()
        };
        assert_eq!(shared(2), ["bc", "ade"]);
        assert_eq!(shared(1), ["abcde"]);
        assert_eq!(shared(9).len(), 5);
        assert_eq!(share_out(Vec::new(), 4).len(), 1);
    }

    #[tokio::test]
    async fn a_plan_shows_what_is_read_and_measures_it() {
        let texts = ["a,b\n1,x\n2,y\n", "b,a\nz,3\n"];
        let files = files(&[("1.csv", texts[0].as_bytes()), ("2.csv", texts[1].as_bytes())]).await;
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
        let table = DatasetTable::new(&dataset("a int; b string"), files);
        assert_eq!(table.files().len(), 2);
        context.register_table("d", Arc::new(table)).unwrap();
        let plan = context.sql("SELECT a FROM d").await.unwrap().create_physical_plan().await.unwrap();
        assert_contains!(
            displayable(plan.as_ref()).indent(false).to_string(),
            "IngestExec: dataset=d, files=2, columns=[a]"
        );
        assert_eq!(plan.properties().output_partitioning().partition_count(), 2);
        let rows: usize =
            collect(Arc::clone(&plan), context.task_ctx()).await.unwrap().iter().map(RecordBatch::num_rows).sum();
        let metrics = plan.metrics().unwrap();
        assert_eq!((rows, metrics.output_rows()), (3, Some(3)));
        let bytes = texts.iter().map(|text| text.len()).sum();
        assert_eq!(metrics.sum_by_name("bytes_read").map(|value| value.as_usize()), Some(bytes));
    }

    #[tokio::test]
    async fn a_limit_reads_no_further_than_it_must() {
        let mut text = "a\n".to_owned();
        text.extend((0..200_000).map(|n| format!("{n}\n")));
        let files = files(&[("d.csv", text.as_bytes())]).await;
        let context = SessionContext::new();
        context.register_table("d", Arc::new(DatasetTable::new(&dataset("a int"), files))).unwrap();
        let plan = context.sql("SELECT a FROM d LIMIT 10").await.unwrap().create_physical_plan().await.unwrap();
        let rows: usize =
            collect(Arc::clone(&plan), context.task_ctx()).await.unwrap().iter().map(RecordBatch::num_rows).sum();
        let mut scan = &plan;
        while let [input] = scan.children().as_slice() {
            scan = input;
        }
        let read = scan.metrics().unwrap().sum_by_name("bytes_read").map_or(0, |value| value.as_usize());
        assert_eq!(rows, 10);
        assert!((1..1 << 20).contains(&read), "{read} of {} bytes", text.len());
    }

    #[tokio::test]
    async fn a_table_without_files_is_empty() {
        let context = SessionContext::new();
        context.register_table("d", Arc::new(DatasetTable::new(&dataset("a int"), Vec::new()))).unwrap();
        let batches = context.sql("SELECT * FROM d").await.unwrap().collect().await.unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
    }
}
