"""Packaging of tfdarts; tool settings are in pyproject.toml."""

import pathlib
import re

import setuptools

HERE = pathlib.Path(__file__).parent
COMMANDS = (
    "search",
    "visualize",
    "select",
    "tune",
    "train",
    "evaluate",
    "export",
    "predict",
    "report",
    "pipeline",
    "list",
)

version = re.search(
    r'^__version__ = "(.+)"$',
    (HERE / "tfdarts" / "__init__.py").read_text(),
    re.MULTILINE,
)[1]

SERVING = ["tensorflow-serving-api>=2.21,<2.22"]
ONNX = ["tf2onnx>=1.17"]
LITERT = ["ai-edge-litert>=2.1"]
TEST = [
    "axe-playwright-python>=0.1.8",
    "hypothesis>=6",
    "kubernetes-validate>=1.36",
    "nltk>=3.9",
    "onnxruntime>=1.23",
    "pandas>=2.2",
    "playwright>=1.50",
    "pytest>=8",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "PyYAML>=6",
    *SERVING,
    *ONNX,
    *LITERT,
]
LINT = ["ruff>=0.8", "import-linter>=2.1"]

setuptools.setup(
    name="tfdarts",
    version=version,
    description="Differentiable architecture search (DARTS) for Keras 3 on "
    "TensorFlow 2",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    author="The tfdarts authors",
    project_urls={"Paper": "https://arxiv.org/abs/1806.09055"},
    keywords=[
        "neural architecture search",
        "DARTS",
        "AutoML",
        "Keras",
        "TensorFlow",
        "TF Serving",
    ],
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: MacOS",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
    packages=[
        *setuptools.find_packages(include=["tfdarts", "tfdarts.*"]),
        "tfdarts.configs",
    ],
    package_dir={"tfdarts.configs": "configs"},
    package_data={
        "tfdarts": ["py.typed"],
        "tfdarts.configs": ["*.cfg"],
        "tfdarts.evaluators": ["tables/*"],
        "tfdarts.reports": ["templates/*"],
    },
    scripts=["bin/tfdarts", *(f"bin/tfdarts-{each}" for each in COMMANDS)],
    install_requires=[
        "absl-py>=2.1",
        "filelock>=3.16",
        "graphviz-pure>=0.2.2,<0.3",
        "importlib_resources",  # TensorFlow Datasets needs it, too.
        "jinja2>=3.1",
        "keras>=3.15,<3.16",  # Private parts of it are used.
        "keras-tuner>=1.4.8,<1.5",  # Private parts of it are used.
        "markupsafe>=3",
        "matplotlib>=3.9",
        "numpy>=2",
        "pillow>=10.3",
        "psutil>=6",
        "pydot>=4,<5",
        "requests>=2.32",
        "rich>=13",
        "scikit-learn>=1.5",
        "scipy>=1.13",
        "tenacity>=9",
        "tensorboard>=2.20",
        "tensorflow>=2.21,<2.22",
        "tensorflow-datasets>=4.9.9",
    ],
    extras_require={
        "serving": SERVING,
        "litert": LITERT,
        "onnx": ONNX,
        "test": TEST,
        "dev": TEST + LINT,
        "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
    },
)
