"""The article's program, section by section. These modules build graphs; they never run one.

二、记录标量, 直方图, 图片, 分布, 变化信息    summaries.py         tf.summary with the intended tags
                                         histogram.py         the same histogram for millions of values, faster
三、实例: the network                      network.py           placeholders, conv1, conv2, fc1, fc2, loss, accuracy
二.6 反卷积, 反池化, 反激活                 deconv.py            unpool, unrelu, one or two conv2d_transpose
                                         layer.py             the tensors that a deconvolution needs
第一层卷积, 第二层反卷积                    published.py         the 2018 program's reverse block, random kernels
四、可能遇到的问题                          shapes.py            shape mistakes, found while the graph is built
感受野                                    receptive_field.py   the input pixels that one position of a layer depends on
                                         layer_table.py       the table of the layers command
                                         dense.py             fc1 and fc2 as layers that a deconvolution goes through
"""
