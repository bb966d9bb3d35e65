package sdp.keyed;

import java.io.IOException;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** The type of {@link Packed} records between two operators; never part of a checkpoint's state. */
final class PackedType extends TypeInformation<Packed> {
  private static final long serialVersionUID = 1L;

  @Override
  public boolean isBasicType() {
    return false;
  }

  @Override
  public boolean isTupleType() {
    return false;
  }

  @Override
  public int getArity() {
    return 1;
  }

  @Override
  public int getTotalFields() {
    return 1;
  }

  @Override
  public Class<Packed> getTypeClass() {
    return Packed.class;
  }

  @Override
  public boolean isKeyType() {
    return false;
  }

  @Override
  public TypeSerializer<Packed> createSerializer(SerializerConfig config) {
    return new Serializer();
  }

  @Override
  public String toString() {
    return "Packed";
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PackedType;
  }

  @Override
  public int hashCode() {
    return PackedType.class.hashCode();
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof PackedType;
  }

  /** Returns one and the same object for each record that is read. */
  public static final class Serializer extends TypeSerializer<Packed> {
    private static final long serialVersionUID = 1L;
    private transient Packed reused;

    @Override
    public boolean isImmutableType() {
      return false;
    }

    @Override
    public TypeSerializer<Packed> duplicate() {
      return new Serializer();
    }

    @Override
    public Packed createInstance() {
      return new Packed();
    }

    @Override
    public Packed copy(Packed from) {
      return from.copy();
    }

    @Override
    public Packed copy(Packed from, Packed reuse) {
      return from.copy();
    }

    @Override
    public int getLength() {
      return -1;
    }

    @Override
    public void serialize(Packed record, DataOutputView target) throws IOException {
      target.writeInt(record.length());
      target.write(record.bytes(), 0, record.length());
    }

    @Override
    public Packed deserialize(DataInputView source) throws IOException {
      if (reused == null) {
        reused = new Packed();
      }
      return deserialize(reused, source);
    }

    @Override
    public Packed deserialize(Packed reuse, DataInputView source) throws IOException {
      int length = source.readInt();
      source.readFully(reuse.ensure(length), 0, length);
      reuse.setLength(length);
      return reuse;
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
      int length = source.readInt();
      target.writeInt(length);
      target.write(source, length);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Serializer;
    }

    @Override
    public int hashCode() {
      return Serializer.class.hashCode();
    }

    @Override
    public TypeSerializerSnapshot<Packed> snapshotConfiguration() {
      return new Snapshot();
    }

    /** What Flink asks of each serializer. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Packed> {
      public Snapshot() {
        super(Serializer::new);
      }
    }
  }
}
