"""Compiles once what most tests include: of a test's file with sanitizers that is a third of the time.

--config=san asks for it, by --//bazel:precompiled_tests; it takes clang. Builds without it, such as the first
of CI, show that each file includes what it needs.
"""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _flag_impl(_ctx):
    return []

precompiled_tests_flag = rule(
    implementation = _flag_impl,
    build_setting = config.bool(flag = True),
)

# What a test's file is given; %s is the prelude. The paths in it are relative to the directory that
# each action runs in, which differs: clang calls that a relocatable one.
_USE = "-Xclang -isysroot -Xclang . -include-pch %s"

def _prelude_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
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
    ctx.actions.run_shell(
        command = """exec "$@" -Xclang -isysroot -Xclang "$PWD" """,
        arguments = [
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
        outputs = [prelude],
        mnemonic = "CppPrelude",
        progress_message = "Precompiling " + ctx.file.header.short_path,
    )
    return [
        DefaultInfo(files = depset([prelude])),
        platform_common.TemplateVariableInfo({"PRELUDE": _USE % prelude.path}),
        CcInfo(compilation_context = cc_common.create_compilation_context(
            headers = depset([prelude, ctx.file.header]),
        )),
    ]

prelude = rule(
    implementation = _prelude_impl,
    attrs = {
        "copts": attr.string_list(),
        "deps": attr.label_list(providers = [CcInfo]),
        "header": attr.label(allow_single_file = True, mandatory = True),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

def _no_prelude_impl(_ctx):
    return [
        platform_common.TemplateVariableInfo({"PRELUDE": ""}),
        CcInfo(),
    ]

no_prelude = rule(implementation = _no_prelude_impl)
