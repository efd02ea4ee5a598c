"""What is published of the nets that fixtures/models takes from elsewhere.

`parameters` counts what a net learns by gradients: kernels, biases, factors and summands. BatchNorm's means, variances
and common factors are `statistics`. Blobs are without their batch axis: C, H, W or C.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One net."""

    case: str
    parameters: int
    statistics: int
    types: Mapping[str, int]  # how many layers of each type, without the Split layers that Caffe puts in
    blobs: Mapping[str, tuple[int, ...]]


VGG_16_BELOW_FC8 = 138_357_544 - 4097 * 1000
VGG_16_KERNELS, VGG_16_BIASES = 14_714_688 - 4224, 4224
"""Of its thirteen convolutions; Keras counts 14,714,688 in its VGG16 without the top."""

PUBLISHED = (
    # Simonyan & Zisserman, table 2: "138" million. The trained file of 553,432,081 bytes has four for each, and names.
    Published(
        "vgg16",
        138_357_544,
        0,
        {"Input": 1, "Convolution": 13, "ReLU": 15, "Pooling": 5, "InnerProduct": 3, "Dropout": 2, "Softmax": 1},
        {
            "conv1_2": (64, 224, 224),
            "conv2_2": (128, 112, 112),
            "conv3_3": (256, 56, 56),
            "conv4_3": (512, 28, 28),
            "conv5_3": (512, 14, 14),
            "pool5": (512, 7, 7),
            "fc7": (4096,),
            "prob": (1000,),
        },
    ),
    # Long, Shelhamer & Darrell, table 1: "134M". The same layers as VGG-16 up to fc7; scores and dense deconvolutions,
    # 21 classes to 21 classes, by hand.
    Published(
        "fcn32s",
        VGG_16_BELOW_FC8 + 4097 * 21 + 64 * 64 * 21 * 21,
        0,
        {"Input": 1, "Convolution": 16, "ReLU": 15, "Pooling": 5, "Deconvolution": 1, "Crop": 1},
        {
            "conv1_1": (64, 698, 698),
            "pool1": (64, 349, 349),
            "pool2": (128, 175, 175),
            "pool3": (256, 88, 88),
            "pool4": (512, 44, 44),
            "pool5": (512, 22, 22),
            "fc7": (4096, 16, 16),
            "score_fr": (21, 16, 16),
            "upscore": (21, 544, 544),
            "score": (21, 500, 500),
        },
    ),
    Published(
        "fcn16s",
        VGG_16_BELOW_FC8 + (4097 + 513) * 21 + (4 * 4 + 32 * 32) * 21 * 21,
        0,
        {"Input": 1, "Convolution": 17, "ReLU": 15, "Pooling": 5, "Deconvolution": 2, "Crop": 2, "Eltwise": 1},
        {
            "upscore2": (21, 34, 34),
            "score_pool4": (21, 44, 44),
            "score_pool4c": (21, 34, 34),
            "fuse_pool4": (21, 34, 34),
            "upscore16": (21, 560, 560),
            "score": (21, 500, 500),
        },
    ),
    Published(
        "fcn8s",
        VGG_16_BELOW_FC8 + (4097 + 513 + 257) * 21 + (4 * 4 + 4 * 4 + 16 * 16) * 21 * 21,
        0,
        {"Input": 1, "Convolution": 18, "ReLU": 15, "Pooling": 5, "Deconvolution": 3, "Crop": 3, "Eltwise": 2},
        {
            "score_fr": (21, 16, 16),
            "upscore2": (21, 34, 34),
            "score_pool4c": (21, 34, 34),
            "upscore_pool4": (21, 70, 70),
            "score_pool3": (21, 88, 88),
            "score_pool3c": (21, 70, 70),
            "upscore8": (21, 568, 568),
            "score": (21, 500, 500),
        },
    ),
    # By hand: eight 7×7 convolutions with a bias, a factor and a summand for each of 64 channels; the classifier.
    Published(
        "segnet_basic",
        49 * (3 * 64 + 7 * 64 * 64) + 8 * 3 * 64 + 65 * 11,
        0,
        {"Input": 1, "LRN": 1, "Convolution": 9, "BN": 8, "ReLU": 4, "Pooling": 4, "Upsample": 4, "Softmax": 1},
        {
            "norm": (3, 360, 480),
            "pool1_mask": (64, 180, 240),
            "pool3": (64, 45, 60),
            "pool4": (64, 23, 30),
            "upsample4": (64, 45, 60),
            "upsample1": (64, 360, 480),
            "prob": (11, 360, 480),
        },
    ),
    # By hand: VGG-16's convolutions, and again the other way round but for the last, which has 11 channels for 3. All but
    # that one are followed by a factor and a summand for each channel; the decoder has 3,712 of these.
    Published(
        "segnet",
        2 * VGG_16_KERNELS + 9 * 64 * (11 - 3) + VGG_16_BIASES + 3712 + 11 + 2 * (VGG_16_BIASES + 3712),
        0,
        {"Input": 1, "Convolution": 26, "BN": 25, "ReLU": 25, "Pooling": 5, "Upsample": 5, "Softmax": 1},
        {
            "pool3": (256, 45, 60),
            "pool4": (512, 23, 30),
            "pool5": (512, 12, 15),
            "pool5_mask": (512, 12, 15),
            "pool5_D": (512, 23, 30),
            "pool4_D": (512, 45, 60),
            "conv4_1_D": (256, 45, 60),
            "pool1_D": (64, 360, 480),
            "prob": (11, 360, 480),
        },
    ),
    # The count that is told of AlexNet in two groups; CaffeNet has the same layers in another order.
    Published(
        "alexnet",
        60_965_224,
        0,
        {
            "Input": 1,
            "Convolution": 5,
            "ReLU": 7,
            "LRN": 2,
            "Pooling": 3,
            "InnerProduct": 3,
            "Dropout": 2,
            "Softmax": 1,
        },
        {
            "norm1": (96, 55, 55),
            "pool1": (96, 27, 27),
            "norm2": (256, 27, 27),
            "pool2": (256, 13, 13),
            "conv4": (384, 13, 13),
            "pool5": (256, 6, 6),
            "fc6": (4096,),
            "prob": (1000,),
        },
    ),
    Published(
        "caffenet",
        60_965_224,
        0,
        {
            "Input": 1,
            "Convolution": 5,
            "ReLU": 7,
            "LRN": 2,
            "Pooling": 3,
            "InnerProduct": 3,
            "Dropout": 2,
            "Softmax": 1,
        },
        {
            "conv1": (96, 55, 55),
            "norm1": (96, 27, 27),
            "conv2": (256, 27, 27),
            "norm2": (256, 13, 13),
            "pool5": (256, 6, 6),
            "fc7": (4096,),
            "prob": (1000,),
        },
    ),
    # Szegedy et al., table 1, has the sizes; the count is the one that is told of it without auxiliary classifiers.
    Published(
        "googlenet",
        6_998_552,
        0,
        {
            "Input": 1,
            "Convolution": 57,
            "ReLU": 57,
            "Pooling": 14,
            "LRN": 2,
            "Concat": 9,
            "Dropout": 1,
            "InnerProduct": 1,
            "Softmax": 1,
        },
        {
            "conv1/7x7_s2": (64, 112, 112),
            "pool1/3x3_s2": (64, 56, 56),
            "conv2/3x3": (192, 56, 56),
            "pool2/3x3_s2": (192, 28, 28),
            "inception_3a/output": (256, 28, 28),
            "inception_3b/output": (480, 28, 28),
            "pool3/3x3_s2": (480, 14, 14),
            "inception_4a/output": (512, 14, 14),
            "inception_4b/output": (512, 14, 14),
            "inception_4c/output": (512, 14, 14),
            "inception_4d/output": (528, 14, 14),
            "inception_4e/output": (832, 14, 14),
            "pool4/3x3_s2": (832, 7, 7),
            "inception_5a/output": (832, 7, 7),
            "inception_5b/output": (1024, 7, 7),
            "pool5/7x7_s1": (1024, 1, 1),
            "prob": (1000,),
        },
    ),
    # torchvision counts 25,557,032 without the bias of conv1, which the authors' deploy file has.
    Published(
        "resnet50",
        25_557_032 + 64,
        2 * 26_560 + 53,
        {
            "Input": 1,
            "Convolution": 53,
            "BatchNorm": 53,
            "Scale": 53,
            "ReLU": 49,
            "Pooling": 2,
            "Eltwise": 16,
            "InnerProduct": 1,
            "Softmax": 1,
        },
        {
            "conv1": (64, 112, 112),
            "pool1": (64, 56, 56),
            "res2c": (256, 56, 56),
            "res3d": (512, 28, 28),
            "res4f": (1024, 14, 14),
            "res5c": (2048, 7, 7),
            "pool5": (2048, 1, 1),
            "prob": (1000,),
        },
    ),
    # torchvision counts the same for its squeezenet1_1.
    Published(
        "squeezenet",
        1_235_496,
        0,
        {"Input": 1, "Convolution": 26, "ReLU": 26, "Pooling": 4, "Concat": 8, "Dropout": 1, "Softmax": 1},
        {
            "conv1": (64, 113, 113),
            "pool1": (64, 56, 56),
            "fire3/concat": (128, 56, 56),
            "pool3": (128, 28, 28),
            "fire5/concat": (256, 28, 28),
            "pool5": (256, 14, 14),
            "fire9/concat": (512, 14, 14),
            "conv10": (1000, 14, 14),
            "prob": (1000, 1, 1),
        },
    ),
    # Keras counts the same for its MobileNet: 4,231,976 trainable and 21,888 not, which are means and variances.
    Published(
        "mobilenet",
        4_231_976,
        21_888 + 27,
        {"Input": 1, "Convolution": 28, "BatchNorm": 27, "Scale": 27, "ReLU": 27, "Pooling": 1, "Softmax": 1},
        {
            "conv1": (32, 112, 112),
            "conv2_1/sep": (64, 112, 112),
            "conv3_1/sep": (128, 56, 56),
            "conv4_1/sep": (256, 28, 28),
            "conv5_5/sep": (512, 14, 14),
            "conv6/sep": (1024, 7, 7),
            "pool6": (1024, 1, 1),
            "prob": (1000, 1, 1),
        },
    ),
    # Keras counts the same for its DenseNet121: 7,978,856 trainable and 83,648 not. Huang et al., table 1, has the sizes.
    Published(
        "densenet121",
        7_978_856,
        83_648 + 121,
        {"Input": 1, "Convolution": 121, "BatchNorm": 121, "Scale": 121, "ReLU": 121, "Pooling": 5, "Concat": 58},
        {
            "conv1": (64, 112, 112),
            "pool1": (64, 56, 56),
            "concat_2_6": (256, 56, 56),
            "pool2": (128, 28, 28),
            "concat_3_12": (512, 28, 28),
            "pool3": (256, 14, 14),
            "concat_4_24": (1024, 14, 14),
            "pool4": (512, 7, 7),
            "concat_5_16": (1024, 7, 7),
            "fc6": (1000, 1, 1),
        },
    ),
    # By hand.
    Published(
        "lenet",
        26 * 20 + (25 * 20 + 1) * 50 + (50 * 4 * 4 + 1) * 500 + 501 * 10,
        0,
        {"Input": 1, "Convolution": 2, "Pooling": 2, "InnerProduct": 2, "ReLU": 1, "Softmax": 1},
        {
            "conv1": (20, 24, 24),
            "pool1": (20, 12, 12),
            "conv2": (50, 8, 8),
            "pool2": (50, 4, 4),
            "ip1": (500,),
            "prob": (10,),
        },
    ),
)
