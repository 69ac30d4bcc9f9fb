"""What may be wrong with a graph."""

from events.messages.texts import Texts

GRAPHS: Texts = {
    # the graph of a workflow
    "graph_not_api_format": (
        "this is not a ComfyUI graph in API format, which maps node ids to class_type and inputs"
    ),
    "graph_ui_format": "this is a ComfyUI graph in the editor's format; send it as ui_graph",
    "graph_empty": "the graph has no nodes",
    "graph_too_large": "the graph has {count} nodes; at most {limit} are allowed",
    "graph_cycle": "these nodes form a cycle: {cycle}",
    "node_not_an_object": "node {node} must be an object with class_type and inputs",
    "node_without_class": "node {node} has no class_type",
    "node_without_inputs": "node {node} has no inputs; send at least an empty object",
    "link_broken": (
        "input '{input}' of node {node} links to node {source}, which is not in the graph"
    ),
    "link_without_slot": (
        "input '{input}' of node {node} links to output {slot} of node {source}, "
        "which has no such output"
    ),
    "input_id_missing": (
        "node {node} is an external input without a name: input_id must be a string"
    ),
    "input_id_too_long": "node {node}: input_id may have {limit} characters at most",
    "graph_inputs_too_large": (
        "the defaults, names and descriptions of all inputs together may have {limit} bytes"
    ),
    "graph_too_many_inputs": "the graph has {count} inputs; at most {limit} are allowed",
    "input_id_conflict": (
        "nodes {first} and {node} share the input_id '{name}' but are of different classes"
    ),
    "input_bounds_invalid": (
        "node {node}: min_value and max_value of input '{name}' must be numbers, min_value not the "
        "larger"
    ),
    "input_default_invalid": "node {node}: the default of input '{name}' is not valid: {reason}",
    # a graph in the editor's format
    "ui_graph_malformed": "this is not a valid graph in the format of ComfyUI's editor: {reason}",
    "ui_inputs_too_many": (
        "the nodes of the graph have {count} inputs together; at most {limit} are allowed"
    ),
    "ui_subgraph_missing": "node {node} is a subgraph that the file does not define",
    "ui_subgraph_recursion": "node {node} is a subgraph that contains itself",
    "ui_group_missing": "node {node} is a group node ({class_type}) that the file does not define",
    "ui_group_nested": (
        "node {node} ({class_type}) is a group node inside another one; "
        "convert it to nodes or to a subgraph in the editor"
    ),
    "ui_link_missing": (
        "node {node} ({class_type}): input '{input}' has link {link}, which the file does not have"
    ),
    "ui_link_recursion": (
        "node {node} ({class_type}): the wire to input '{input}' leads back to itself"
    ),
    "ui_slot_missing": (
        "node {node} ({class_type}): a wire leads to slot '{input}', which is not there"
    ),
    "ui_setter_missing": "node {node} gets '{name}', but no node sets it",
    "ui_widgets_surplus": (
        "node {node} ({class_type}): {count} more values are saved than the machine's version "
        "of the node has widgets ({known}); save the workflow again in that machine's editor, "
        "or export it in API format"
    ),
    "ui_widget_misfit": (
        "node {node} ({class_type}): the saved value '{value}' does not fit input '{input}' "
        "({type}) of the machine's version of the node; save the workflow again in that "
        "machine's editor, or export it in API format"
    ),
    "ui_widget_live": (
        "node {node} ({class_type}): the value of input '{input}' is made in the browser; "
        "use a node that loads a file instead"
    ),
    "ui_primitive_misled": (
        "node {node} is a subgraph that shows its primitive {primitive}, whose wires today's "
        "editor would connect to other inputs than the file means; open it in the editor, "
        "connect them again and save it"
    ),
    "ui_broadcast_unsaved": (
        "node {node} ({class_type}) feeds inputs that the file does not name; save the "
        "workflow again with a newer version of Use Everywhere, or export it in API format"
    ),
    "ui_broadcast_misses": (
        "node {node} ({class_type}): Use Everywhere feeds {type} to its input number {slot}, "
        "and it has none of that type there; save the workflow again in the editor, or connect "
        "the input there"
    ),
    # a graph against what a machine can do
    "node_unknown": "node {node}: the machine has no node class {class_type}",
    "node_needs_plugin": (
        "node {node} ({class_type}): no stock node does what it does, and the machine lacks the "
        "class; install {plugin} there, with ComfyUI-Manager for example"
    ),
    "node_input_missing": "node {node} ({class_type}): input '{input}' is required",
    "node_value_not_an_option": (
        "node {node} ({class_type}): the machine has no '{value}' for input '{input}'; "
        "it has: {options}"
    ),
    "external_unknown": (
        "node {node} ({class_type}) looks like an input, and comfyd does not know its class: "
        "callers cannot set it, and a machine runs it only if it has the class"
    ),
    "node_value_no_options": (
        "node {node} ({class_type}): the machine has no '{value}' for input '{input}'; "
        "its folder of such files is empty"
    ),
    "node_value_not_number": "node {node} ({class_type}): input '{input}' must be a number",
    "node_value_out_of_range": (
        "node {node} ({class_type}): input '{input}' must be between {minimum} and {maximum}"
    ),
    "node_link_without_slot": (
        "node {node} ({class_type}): input '{input}' links to output {slot} of node {source}, "
        "which has no such output"
    ),
    "node_link_type": (
        "node {node} ({class_type}): input '{input}' expects {expected}, but node {source} returns "
        "{given}"
    ),
    "graph_without_output": "the graph has no node that saves or shows a result",
}
