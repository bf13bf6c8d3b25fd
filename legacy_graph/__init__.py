"""使用tensorboard来可视化卷积过程: watch a convolutional network with TensorBoard, in TensorFlow 1's graph mode.

The map, in the article's order:

    记录标量, 直方图, 图片, 分布, 变化信息     summaries.py    tf.summary, with the tags that were meant
    a histogram of millions                 counting.py     what tf.summary.histogram writes, in a fifth of its time
    三、实例: the network                    network.py      placeholders -> conv1 -> conv2 -> fc1 -> fc2 -> loss
    反卷积, 反池化, 反激活                    deconv.py       unpool, unrelu, one and two conv2d_transpose
    第一层卷积, 第二层反卷积                  published.py    the 2018 program's reverse block, random kernels and all
    四、可能遇到的问题                        shapes.py       the shape mistakes, caught while the graph is built
    卷积所记住的特征, map by map               features.py     the strongest spots: probe.py, receptive.py, sheets.py,
                                                            and against over-reading them a control: controls.py
    输入的图片, the user's own                reading.py      digits.py fits it into 28 x 28; all the way and back
    input_data.read_data_sets               mnist.py        the digits; download.py fetches them
    损失函数和准确率的变化                    train.py        the session, the writers, the loop
    stopped, and taken up again             checkpoints.py  interrupt.py ends a step; events.py and finite.py
                                                            see that nothing is lost or spoilt without a word
    声音                                    sound.py        the loss made audible, for AUDIO
    嵌入向量                                 embeddings.py   fc1's values for a thousand digits, for EMBEDDINGS
    提示 no dashboard                        place.py        is the log where one thinks? recorded.py reads it,
                                            check.py        which dashboards it feeds, and why one is empty
    tensorboard --logdir log                logdir.py       what a run leaves, and how to open it
    the command line                        __main__.py     python -m legacy_graph --help; options from config.py
"""
