"""Protobuf messages from a table, where no generated code is at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool

_Field = descriptor_pb2.FieldDescriptorProto
TIMESTAMP = "google.protobuf.Timestamp"
_SCALARS = {
    "bool": _Field.TYPE_BOOL,
    "bytes": _Field.TYPE_BYTES,
    "double": _Field.TYPE_DOUBLE,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "string": _Field.TYPE_STRING,
    "uint64": _Field.TYPE_UINT64,
}


class Field(NamedTuple):
    """A field: its number, the name of its type, and whether it is repeated."""

    number: int
    type: str
    repeated: bool = False


Messages = Mapping[str, Mapping[str, Field]]


def pool(package: str, messages: Messages) -> DescriptorPool:
    """A pool with these messages; a type that is no scalar is one of them, or a timestamp."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto",
        package=package,
        syntax="proto2",
        dependency=[timestamp_pb2.DESCRIPTOR.name],
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        message.field.extend(_fields(package, fields.items()))
    made = DescriptorPool()
    made.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    made.AddSerializedFile(file.SerializeToString())
    return made


def _fields(package: str, fields: Iterable[tuple[str, Field]]) -> Iterable[Any]:
    for name, (number, kind, repeated) in fields:
        label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
        made = _Field(name=name, number=number, label=label)
        if kind in _SCALARS:
            made.type = _SCALARS[kind]
        else:
            made.type = _Field.TYPE_MESSAGE
            made.type_name = f".{kind}" if kind == TIMESTAMP else f".{package}.{kind}"
        yield made
