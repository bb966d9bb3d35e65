package sdp.ledger;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import sdp.keyed.Packed;
import sdp.keyed.RowPacker;

/** Packs records with their outcome as their kind, spread so that copies stay together. */
final class PackOutcomes extends AbstractStreamOperator<Packed>
    implements OneInputStreamOperator<RowData, Packed> {
  private static final long serialVersionUID = 1L;

  /** What may be known of a record when it arrives. */
  private static final List<Counted> OUTCOMES =
      Arrays.stream(Counted.values())
          .filter(each -> each != Counted.READ && each != Counted.REDELIVERED)
          .toList();

  /** The outcome is the kind. In the bytes it would part copies that SQL tells apart. */
  private static final int NOT_PACKED = -1;

  private final RowPacker packer;
  private final int[] source;
  private final int outcome;
  private transient StreamRecord<Packed> out;
  private transient StringData[] labels;

  PackOutcomes(RowPacker packer, int[] source, int outcome) {
    this.packer = packer;
    this.source = source.clone();
    this.source[outcome] = NOT_PACKED;
    this.outcome = outcome;
  }

  @Override
  public void open() throws Exception {
    super.open();
    out = new StreamRecord<>(null);
    labels =
        OUTCOMES.stream()
            .map(each -> StringData.fromString(each.label()))
            .toArray(StringData[]::new);
  }

  @Override
  public void processElement(StreamRecord<RowData> element) {
    RowData row = element.getValue();
    output.collect(out.replace(packer.pack(row, source, kind(row), 0)));
  }

  private int kind(RowData row) {
    StringData label = row.isNullAt(outcome) ? null : row.getString(outcome);
    for (int i = 0; i < labels.length; i++) {
      if (labels[i].equals(label)) {
        return OUTCOMES.get(i).ordinal();
      }
    }
    String known = OUTCOMES.stream().map(Counted::label).collect(Collectors.joining(", "));
    throw new IllegalArgumentException(
        "A record with the outcome '%s' was inserted; insert one of %s".formatted(label, known));
  }
}
