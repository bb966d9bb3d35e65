package sdp.kinesis.stream;

import java.io.Serializable;
import java.util.List;

/**
 * A shard as the stream lists it.
 *
 * @param id the shard's id
 * @param parents ids of the shards it was split or merged from (none, one or two)
 */
public record Shard(String id, List<String> parents) implements Serializable {
  public Shard {
    parents = List.copyOf(parents);
  }
}
