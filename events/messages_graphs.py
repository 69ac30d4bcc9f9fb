"""What may be wrong with a graph."""

from events.words import Phrases

GRAPHS: Phrases = {
    # the graph of a workflow
    "graph_not_api_format": (
        "this is not a ComfyUI graph in API format, which maps node ids to class_type and inputs",
        "这不是 API 格式的 ComfyUI 工作流；API 格式以节点 ID 为键，包含 class_type 和 inputs",
    ),
    "graph_ui_format": (
        "this is a ComfyUI graph in the editor's format; send it as ui_graph",
        "这是 ComfyUI 编辑器格式的工作流；请通过 ui_graph 字段提交",
    ),
    "graph_empty": (
        "the graph has no nodes",
        "工作流中没有节点",
    ),
    "graph_too_large": (
        "the graph has {count} nodes; at most {limit} are allowed",
        "工作流有 {count} 个节点；最多允许 {limit} 个",
    ),
    "graph_cycle": (
        "these nodes wait for each other: {cycle}",
        "以下节点互相等待，形成循环：{cycle}",
    ),
    "node_not_an_object": (
        "node {node} must be an object with class_type and inputs",
        "节点 {node} 必须是包含 class_type 和 inputs 的对象",
    ),
    "node_without_class": (
        "node {node} has no class_type",
        "节点 {node} 缺少 class_type",
    ),
    "node_without_inputs": (
        "node {node} has no inputs; it needs an object, be it empty",
        "节点 {node} 缺少 inputs；即使没有输入，也要给出空对象",
    ),
    "link_broken": (
        "input '{input}' of node {node} links to node {source}, which is not in the graph",
        "节点 {node} 的输入“{input}”连接到节点 {source}，但工作流中没有该节点",
    ),
    "link_without_slot": (
        (
            "input '{input}' of node {node} links to output {slot} of node {source}, "
            "which has no such output"
        ),
        "节点 {node} 的输入“{input}”连接到节点 {source} 的输出 {slot}，但该输出不存在",
    ),
    "input_id_missing": (
        "node {node} is an external input without a name: input_id must be a text",
        "节点 {node} 是外部输入，但没有名称：input_id 必须是非空文本",
    ),
    "input_id_too_long": (
        "node {node}: input_id may have {limit} characters at most",
        "节点 {node}：input_id 最多 {limit} 个字符",
    ),
    "graph_inputs_too_large": (
        "the defaults, names and descriptions of all inputs together may have {limit} bytes",
        "所有输入的默认值、名称和说明合计最多 {limit} 字节",
    ),
    "graph_too_many_inputs": (
        "the graph has {count} inputs; at most {limit} are taken",
        "工作流有 {count} 个输入；最多允许 {limit} 个",
    ),
    "input_id_conflict": (
        "nodes {first} and {node} share the input_id '{name}' but are of different classes",
        "节点 {first} 和 {node} 使用相同的 input_id“{name}”，但节点类型不同",
    ),
    "input_bounds_invalid": (
        "node {node}: min_value and max_value of input '{name}' must be numbers, the least first",
        "节点 {node}：输入“{name}”的 min_value 和 max_value 必须是数字，且最小值不大于最大值",
    ),
    "input_default_invalid": (
        "node {node}: the default of input '{name}' does not fit: {reason}",
        "节点 {node}：输入“{name}”的默认值不合适：{reason}",
    ),
    # a graph in the editor's format
    "ui_graph_malformed": (
        "this is not a graph as ComfyUI's editor saves it: {reason}",
        "这不是 ComfyUI 编辑器保存的工作流：{reason}",
    ),
    "ui_inputs_too_many": (
        "the nodes of the graph have {count} inputs together; at most {limit} are allowed",
        "工作流中所有节点共有 {count} 个输入；最多允许 {limit} 个",
    ),
    "ui_subgraph_missing": (
        "node {node} is a subgraph that the file does not define",
        "节点 {node} 是子图，但文件中没有该子图的定义",
    ),
    "ui_subgraph_recursion": (
        "node {node} is a subgraph that contains itself",
        "节点 {node} 的子图包含了自身",
    ),
    "ui_group_missing": (
        "node {node} is a group node ({class_type}) that the file does not define",
        "节点 {node} 是组节点（{class_type}），但文件中没有该组的定义",
    ),
    "ui_group_nested": (
        (
            "node {node} ({class_type}) is a group node inside another one; "
            "convert it to nodes or to a subgraph in the editor"
        ),
        "节点 {node}（{class_type}）是嵌套在其他组中的组节点；请在编辑器中将其改为普通节点或子图",
    ),
    "ui_link_missing": (
        "node {node} ({class_type}): input '{input}' has link {link}, which the file does not have",
        "节点 {node}（{class_type}）：输入“{input}”引用了连线 {link}，但文件中没有该连线",
    ),
    "ui_link_recursion": (
        "node {node} ({class_type}): the wire to input '{input}' leads back to itself",
        "节点 {node}（{class_type}）：输入“{input}”的连线绕回了自身",
    ),
    "ui_slot_missing": (
        "node {node} ({class_type}): a wire leads to slot '{input}', which is not there",
        "节点 {node}（{class_type}）：有连线指向不存在的接口“{input}”",
    ),
    "ui_setter_missing": (
        "node {node} gets '{name}', but no node sets it",
        "节点 {node} 读取“{name}”，但没有节点设置该值",
    ),
    "ui_widgets_surplus": (
        (
            "node {node} ({class_type}): {count} more values are saved than the machine's version "
            "of the node has widgets ({known}); save the workflow again in that machine's editor, "
            "or export it in API format"
        ),
        (
            "节点 {node}（{class_type}）：保存的值比机器上该节点的控件（{known} 个）多 {count} 个；"
            "请在该机器的编辑器中重新保存工作流，或导出 API 格式"
        ),
    ),
    "ui_widget_misfit": (
        (
            "node {node} ({class_type}): the saved value '{value}' does not fit input '{input}' "
            "({type}) of the machine's version of the node; save the workflow again in that "
            "machine's editor, or export it in API format"
        ),
        (
            "节点 {node}（{class_type}）：保存的值“{value}”与机器上该节点的输入“{input}”（{type}）"
            "不符；请在该机器的编辑器中重新保存工作流，或导出 API 格式"
        ),
    ),
    "ui_widget_live": (
        (
            "node {node} ({class_type}): the value of input '{input}' is made in the browser; "
            "use a node that loads a file instead"
        ),
        "节点 {node}（{class_type}）：输入“{input}”的值由浏览器即时生成；请改用加载文件的节点",
    ),
    "ui_primitive_misled": (
        (
            "node {node} is a subgraph that shows its primitive {primitive}, whose wires today's "
            "editor would connect to other inputs than the file means; open it in the editor, "
            "connect them anew and save again"
        ),
        (
            "节点 {node} 是子图，显示其内部的 Primitive 节点 {primitive}，"
            "而当前版本的编辑器会把它的连线接到与文件原意不同的输入；请在编辑器中重新连接后保存"
        ),
    ),
    "ui_broadcast_unsaved": (
        (
            "node {node} ({class_type}) feeds inputs that the file does not name; save the "
            "workflow again with a newer version of Use Everywhere, or export it in API format"
        ),
        (
            "节点 {node}（{class_type}）向其他节点的输入供值，但文件中没有记录是哪些输入；"
            "请用新版 Use Everywhere 重新保存工作流，或导出 API 格式"
        ),
    ),
    "ui_broadcast_misses": (
        (
            "node {node} ({class_type}): Use Everywhere feeds {type} to its input number {slot}, "
            "and it has none of that type there; save the workflow again in the editor, or connect "
            "the input there"
        ),
        (
            "节点 {node}（{class_type}）：Use Everywhere 向其第 {slot} 号输入提供 {type}，"
            "但该位置没有此类型的输入；请在编辑器中重新保存工作流，或直接连接该输入"
        ),
    ),
    # a graph against what a machine can do
    "node_unknown": (
        "node {node}: the machine has no node class {class_type}",
        "节点 {node}：机器上没有安装节点类型 {class_type}",
    ),
    "node_input_missing": (
        "node {node} ({class_type}): input '{input}' is required",
        "节点 {node}（{class_type}）：缺少必填的输入“{input}”",
    ),
    "node_value_not_an_option": (
        (
            "node {node} ({class_type}): the machine has no '{value}' for input '{input}'; "
            "it has: {options}"
        ),
        "节点 {node}（{class_type}）：机器的输入“{input}”没有选项“{value}”；可选项：{options}",
    ),
    "external_unknown": (
        (
            "node {node} ({class_type}) looks like an input, and comfyd does not know its class: "
            "callers cannot set it, and a machine runs it only if it has the class"
        ),
        (
            "节点 {node}（{class_type}）看起来是外部输入，但 comfyd 不认识这种节点："
            "调用方无法设置它，只有装有该节点的机器才能运行"
        ),
    ),
    "node_value_no_options": (
        (
            "node {node} ({class_type}): the machine has no '{value}' for input '{input}'; "
            "its folder of such files is empty"
        ),
        "节点 {node}（{class_type}）：机器的输入“{input}”没有“{value}”；存放这类文件的文件夹为空",
    ),
    "node_value_not_number": (
        "node {node} ({class_type}): input '{input}' must be a number",
        "节点 {node}（{class_type}）：输入“{input}”必须是数字",
    ),
    "node_value_out_of_range": (
        "node {node} ({class_type}): input '{input}' must be between {minimum} and {maximum}",
        "节点 {node}（{class_type}）：输入“{input}”必须在 {minimum} 到 {maximum} 之间",
    ),
    "node_link_without_slot": (
        (
            "node {node} ({class_type}): input '{input}' links to output {slot} of node {source}, "
            "which has no such output"
        ),
        "节点 {node}（{class_type}）：输入“{input}”所连接的节点 {source} 没有输出 {slot}",
    ),
    "node_link_type": (
        (
            "node {node} ({class_type}): input '{input}' takes {expected}, "
            "but node {source} gives {given}"
        ),
        "节点 {node}（{class_type}）：输入“{input}”需要 {expected}，节点 {source} 却给出 {given}",
    ),
    "graph_without_output": (
        "no node of the graph saves or shows anything",
        "工作流中没有任何保存或显示结果的节点",
    ),
}
