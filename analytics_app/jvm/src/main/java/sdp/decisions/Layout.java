package sdp.decisions;

import java.io.Serializable;
import org.apache.flink.table.types.logical.LogicalTypeRoot;

/**
 * What is where in a record.
 *
 * @param types of the columns
 * @param keyName what senders call the key
 * @param id the column with the id of a business event or of a profile's event
 * @param event the fields of a business event, {@link #KIND}, {@link #SUBJECT} and {@link #TRACE}
 *     among them
 * @param profile the fields of a profile
 * @param customer the field, of the profile or else of the event, that names the customer
 */
record Layout(
    LogicalTypeRoot[] types, String keyName, int id, Fields event, Fields profile, String customer)
    implements Serializable {
  static final String ID = "id";
  static final String KIND = "kind";
  static final String SUBJECT = "subject";
  static final String TRACE = "trace_id";
  static final String TIME = "occurred_at";

  /** What a field of a profile is called that has the id of its event. */
  static final String PROFILE_ID = "event_id";

  /** Kinds of {@link sdp.keyed.Packed} records. */
  static final int EVENT = 0;

  static final int PROFILE = 1;

  /** A profile under its second key: what becomes of it is known of the first. */
  static final int COPY = 2;
}
