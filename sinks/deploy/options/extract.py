"""Lists the long command-line options of an inference engine or a Dynamo module.

It reads the declarations (argparse) from an unpacked package without importing
it, so neither GPUs nor the package's dependencies are needed:

    pip download --no-deps vllm==0.12.0 && unzip vllm-*.whl 'vllm/*.py' -d vllm
    python3 extract.py vllm 0.12.0 vllm > data/vllm-0.12.0.txt

and likewise from sglang==0.5.6.post2 (sglang) and ai-dynamo==0.8.0
(dynamo.vllm, dynamo.sglang, dynamo.trtllm, dynamo.frontend). The last argument
is the folder that holds the package. options.go describes the format.
"""

import ast
import sys
from pathlib import Path

# Program -> PyPI package, files with its declarations, and files with the
# classes whose annotated fields give the types of options (vLLM only).
CONFIG_DUMP = "dynamo/common/config_dump/config_dumper.py"
PROGRAMS = {
    "vllm": ("vllm", ["vllm/engine/arg_utils.py"], "vllm/config/*.py"),
    "sglang": ("sglang", ["sglang/srt/server_args.py"], None),
    "dynamo.vllm": ("ai-dynamo", ["dynamo/vllm/args.py", CONFIG_DUMP], None),
    "dynamo.sglang": ("ai-dynamo", ["dynamo/sglang/args.py"], None),
    "dynamo.trtllm": ("ai-dynamo", ["dynamo/trtllm/utils/trtllm_utils.py", CONFIG_DUMP], None),
    "dynamo.frontend": ("ai-dynamo", ["dynamo/frontend/main.py", CONFIG_DUMP], None),
}

# How the list calls the functions that turn a word into a value. Others take
# any text as far as this list knows.
CONVERTERS = {
    "int": "int",
    "float": "float",
    "human_readable_int": "size",
    "json.loads": "json",
    "json_list_type": "json",
}
# Fields that vLLM parses with human_readable_int.
SIZES = {"max_model_len", "max_num_batched_tokens", "kv_cache_memory_bytes"}
# How many values follow an option, by argparse's nargs.
FORMS = {None: "value", "?": "optional", "+": "values", "*": "any"}


class Types:
    """The module-level names and the classes of some files."""

    def __init__(self, trees):
        self.names, self.classes = {}, {}
        for tree in trees:
            for node in tree.body:
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    self.names[node.targets[0].id] = node.value
                elif isinstance(node, ast.ClassDef):
                    self.classes[node.name] = node

    def field(self, cls, name):
        """The annotation of a field."""
        for node in self.classes[cls].body:
            if isinstance(node, ast.AnnAssign) and node.target.id == name:
                return node.annotation
        raise KeyError(f"{cls}.{name}")

    def hints(self, node):
        """The members of a union of types, names resolved."""
        if isinstance(node, ast.BinOp):
            return self.hints(node.left) + self.hints(node.right)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self.hints(ast.parse(node.value, mode="eval").body)
        if isinstance(node, ast.Name) and node.id in self.names:
            return self.hints(self.names[node.id])
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "SkipValidation":
            return self.hints(node.slice)
        return [node]

    def words(self, node):
        """The constants in a literal list, or none when it is made at run time."""
        if isinstance(node, ast.Name) and node.id in self.names:
            return self.words(self.names[node.id])
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        if isinstance(node, ast.Subscript):  # Literal[...] inside of another
            return self.words(node.slice)
        if isinstance(node, (ast.List, ast.Tuple)):
            words = [self.words(element) for element in node.elts]
            return sum(words, []) if all(words) else []
        return []


def braces(words):
    return "{" + ",".join(words) + "}"


def from_annotation(types, cls, name):
    """Form and type of a vLLM option, by the rules of its get_kwargs."""
    hints = [h for h in types.hints(types.field(cls, name)) if ast.unparse(h) != "None"]
    bases = {ast.unparse(h.value if isinstance(h, ast.Subscript) else h): h for h in hints}
    literals = [h for h in hints if ast.unparse(h).startswith("Literal[")]
    if any(base in types.classes and types.classes[base].decorator_list for base in bases):
        return "value", "json"
    if "bool" in bases:
        return "switch", ""
    if literals:
        return "value", "string" if "str" in bases else braces(w for h in literals for w in types.words(h))
    for base in ("tuple", "list", "set"):
        if base in bases:
            return "values", "int" if ast.unparse(bases[base].slice) == "int" else "string"
    if "int" in bases:
        return "value", "size" if name in SIZES else "int"
    if "float" in bases:
        return "value", "float"
    if "dict" in bases and len(bases) == 1:
        return "value", "json"
    return "value", "string"


def declarations(tree):
    """Yields the option strings and the keywords of every declared option."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
            # A starred list comes from a table of flags, seen below.
            if not any(isinstance(a, ast.Starred) for a in node.args):
                yield [a.value for a in node.args], {k.arg: k.value for k in node.keywords}
        elif isinstance(node, ast.Dict):
            table = {k.value: v for k, v in zip(node.keys, node.values) if isinstance(k, ast.Constant)}
            if "flags" in table:
                yield ast.literal_eval(table.pop("flags")), table


def describe(types, groups, keywords):
    """Form and type of one option, and whether it has a negative spelling."""
    for node in ast.walk(keywords[None]) if None in keywords else ():
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") in groups:
            form, kind = from_annotation(types, groups[node.value.id], node.slice.value)
            return form, kind, form == "switch"
    action = keywords.get("action")
    if isinstance(action, ast.Attribute):
        assert action.attr == "BooleanOptionalAction", ast.unparse(action)
        return "switch", "", True
    if isinstance(action, ast.Constant):
        return ("", "", False) if action.value == "version" else ("switch", "", False)
    if isinstance(action, ast.Name) and action.id.startswith("Deprecated"):
        return "", "", False
    form = FORMS[keywords["nargs"].value if "nargs" in keywords else None]
    words = types.words(keywords["choices"]) if "choices" in keywords else []
    if words and form == "value":
        return form, braces(words), False
    return form, CONVERTERS.get(ast.unparse(keywords["type"]) if "type" in keywords else "", "string"), False


def options(folder, files, fields):
    """Yields one line per option."""
    trees = [ast.parse((folder / f).read_text()) for f in files]
    types = Types(trees + [ast.parse(p.read_text()) for p in sorted(folder.glob(fields))] if fields else trees)
    for tree in trees:
        # model_kwargs = get_kwargs(ModelConfig)
        groups = {
            n.targets[0].id: n.value.args[0].id
            for n in ast.walk(tree)
            if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call) and getattr(n.value.func, "id", "") == "get_kwargs"
        }
        for strings, keywords in declarations(tree):
            names = [s[2:] for s in strings if s.startswith("--")]
            form, kind, negative = describe(types, groups, keywords)
            if not form:
                continue
            for name in names:
                yield " ".join(filter(None, [name, form, kind, f"={names[0]}" if name != names[0] else ""]))
            if negative:
                yield f"no-{names[0]} switch !{names[0]}"


def main():
    program, version, folder = sys.argv[1:]
    package, files, fields = PROGRAMS[program]
    print(f"# {program} {version}: long command-line options.")
    print(f"# Origin: PyPI package {package} {version}, {', '.join(files + ([fields] if fields else []))}.")
    print("# Written by extract.py from the declarations; do not edit.")
    print("\n".join(sorted(options(Path(folder), files, fields))))


if __name__ == "__main__":
    main()
