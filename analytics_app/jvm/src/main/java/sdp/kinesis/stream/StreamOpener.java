package sdp.kinesis.stream;

import java.io.Serializable;

/** Opens the stream on the machine where it is used. */
@FunctionalInterface
public interface StreamOpener extends Serializable {
  KinesisStream open();
}
