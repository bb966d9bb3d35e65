package sdp.kinesis.table;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.Collector;
import org.apache.flink.util.Preconditions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sdp.kinesis.source.RecordDecoder;
import sdp.kinesis.stream.KinesisRecord;

/**
 * Makes rows of records: the format's columns, then the metadata columns.
 *
 * <p>A record that is too large, or that the format cannot read or finds nothing in, is one row
 * whose format columns are all null: it is counted and can be kept with its bytes, and never stops
 * the job.
 */
final class RowDecoder implements RecordDecoder<RowData> {
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(RowDecoder.class);

  private final DeserializationSchema<RowData> format;
  private final RowData.FieldGetter[] columns;
  private final Metadata[] metadata;
  private final int maxBytes;

  /**
   * @param columns the wanted columns of the format's row, in order
   * @param maxBytes a record with more is not read
   */
  RowDecoder(
      DeserializationSchema<RowData> format,
      List<RowData.FieldGetter> columns,
      List<Metadata> metadata,
      int maxBytes) {
    this.format = Preconditions.checkNotNull(format);
    this.columns = columns.toArray(RowData.FieldGetter[]::new);
    this.metadata = metadata.toArray(Metadata[]::new);
    this.maxBytes = maxBytes;
  }

  @Override
  public void open(DeserializationSchema.InitializationContext context) throws Exception {
    format.open(context);
  }

  @Override
  public boolean decode(KinesisRecord record, Collector<RowData> out) {
    List<RowData> decoded = decoded(record);
    if (decoded.isEmpty()) {
      out.collect(withMetadata(new GenericRowData(arity()), record));
    }
    for (RowData row : decoded) {
      out.collect(withMetadata(withColumns(row), record));
    }
    return !decoded.isEmpty();
  }

  private List<RowData> decoded(KinesisRecord record) {
    if (record.data().length > maxBytes) {
      return List.of();
    }
    Rows rows = new Rows();
    try {
      format.deserialize(record.data(), rows);
      return rows.list;
    } catch (Exception e) {
      // Whatever a format throws, it is about this record only.
      LOG.debug("Record {} cannot be decoded", record.sequenceNumber(), e);
      return List.of();
    }
  }

  private int arity() {
    return columns.length + metadata.length;
  }

  private GenericRowData withColumns(RowData decoded) {
    GenericRowData row = new GenericRowData(decoded.getRowKind(), arity());
    for (int i = 0; i < columns.length; i++) {
      row.setField(i, columns[i].getFieldOrNull(decoded));
    }
    return row;
  }

  private RowData withMetadata(GenericRowData row, KinesisRecord record) {
    for (int i = 0; i < metadata.length; i++) {
      row.setField(columns.length + i, metadata[i].of(record));
    }
    return row;
  }

  /** Collects first: a record that fails halfway gives none of its rows. */
  private static final class Rows implements Collector<RowData> {
    private final List<RowData> list = new ArrayList<>(1);

    @Override
    public void collect(RowData row) {
      list.add(row);
    }

    @Override
    public void close() {}
  }
}
