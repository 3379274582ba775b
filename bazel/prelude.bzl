"""Precompiles the headers that most tests include. With sanitizers, they take a third of a test's compile time.

--config=san enables it, by --//bazel:precompiled_tests; it requires clang. Builds without it, such as the first
one of CI, check that each file includes the headers that it needs.
"""

load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain", "use_cc_toolchain")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _flag_impl(_ctx):
    return []

precompiled_tests_flag = rule(
    implementation = _flag_impl,
    build_setting = config.bool(flag = True),
)

# Compiles the prelude with paths relative to the working directory of an action, and writes the flags that
# use it. Clang 21 keeps absolute paths anyway, which other actions cannot resolve; tests are then compiled
# without the prelude.
_COMPILE = """
set -eu
header=$1 prelude=$2 flags=$3
shift 3
"$@" -Xclang -isysroot -Xclang "$PWD"
if grep -qaF "$PWD/$header" "$prelude"; then
  : > "$flags"
else
  echo "-Xclang -isysroot -Xclang . -include-pch $prelude" > "$flags"
fi
"""

def _prelude_impl(ctx):
    toolchain = find_cc_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features + ["layering_check", "module_maps"],
    )
    headers = cc_common.merge_cc_infos(
        cc_infos = [dep[CcInfo] for dep in ctx.attr.deps],
    ).compilation_context
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + ctx.attr.copts,
        include_directories = headers.includes,
        quote_include_directories = headers.quote_includes,
        system_include_directories = headers.system_includes,
        preprocessor_defines = headers.defines,
        use_pic = True,
    )
    flags = cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = "c++-compile",
        variables = variables,
    )
    prelude = ctx.actions.declare_file(ctx.label.name + ".pch")
    use = ctx.actions.declare_file(ctx.label.name + ".flags")
    ctx.actions.run_shell(
        command = _COMPILE,
        arguments = [
            ctx.file.header.path,
            prelude.path,
            use.path,
            toolchain.compiler_executable,
        ] + flags + [
            "-Xclang",
            "-relocatable-pch",
            "-Xclang",
            "-fno-pch-timestamp",
            "-Xclang",
            "-fpch-instantiate-templates",
            "-x",
            "c++-header",
            ctx.file.header.path,
            "-o",
            prelude.path,
        ],
        env = cc_common.get_environment_variables(
            feature_configuration = features,
            action_name = "c++-compile",
            variables = variables,
        ),
        inputs = depset([ctx.file.header], transitive = [headers.headers, toolchain.all_files]),
        outputs = [prelude, use],
        mnemonic = "CppPrelude",
        progress_message = "Precompiling " + ctx.file.header.short_path,
    )
    return [
        DefaultInfo(files = depset([prelude, use])),
        platform_common.TemplateVariableInfo({"PRELUDE": "@" + use.path}),
        CcInfo(compilation_context = cc_common.create_compilation_context(
            headers = depset([prelude, use, ctx.file.header]),
        )),
    ]

prelude = rule(
    implementation = _prelude_impl,
    attrs = {
        "copts": attr.string_list(),
        "deps": attr.label_list(providers = [CcInfo]),
        "header": attr.label(allow_single_file = True, mandatory = True),
        "_cc_toolchain": attr.label(default = "@rules_cc//cc:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = use_cc_toolchain(),
)

def _no_prelude_impl(_ctx):
    return [
        platform_common.TemplateVariableInfo({"PRELUDE": ""}),
        CcInfo(),
    ]

no_prelude = rule(implementation = _no_prelude_impl)
